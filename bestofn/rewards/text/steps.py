"""Process rewards: an answer is split into steps, the steps are marked, their rewards aggregated.

An answer is split at a separator, blank lines by default, also within fenced code: the models were
trained on steps that were split so. A last step that was cut off is judged as it is. The rewards of
steps are probabilities; which aggregate makes one of them is by default what the model's authors
select among N with (`bestofn.rewards.text.formats`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.settings.choices import Aggregate
from bestofn.settings.rewards import RewardSettings

SEPARATOR = "\n\n"
"""What steps are split at by default: Qwen2.5-Math-PRM's card and RLHFlow's script."""

AGGREGATES: Mapping[Aggregate, Callable[[Sequence[float]], float]] = {
    "last": lambda values: values[-1],
    "min": min,
    "mean": lambda values: math.fsum(values) / len(values),
    "prod": math.prod,
}


def check_step_settings(settings: RewardSettings) -> None:
    """Refuse what steps cannot be split at.

    Raises:
        ConfigError: the separator is empty.
    """
    if settings.step_separator == "":
        raise ConfigError("step_separator is empty: give what stands between two steps")


def split_steps(text: str, separator: str) -> list[str]:
    """The steps of an answer without the white space around them; none that are empty."""
    return [step for part in text.split(separator) if (step := part.strip())]


@dataclass(frozen=True, slots=True)
class ProcessReward:
    """The reward of an answer's steps (a `ToReward`): their aggregate, with each step's value as
    the component `step_1`, ..."""

    aggregate: Aggregate

    def __call__(self, values: Sequence[float]) -> tuple[float, Mapping[str, float]]:
        """See `ToReward`."""
        components = {f"step_{at}": value for at, value in enumerate(values, start=1)}
        # min and last would hide a fault in another step.
        reward = AGGREGATES[self.aggregate](values) if all(map(math.isfinite, values)) else math.nan
        return reward, components


@dataclass(frozen=True, slots=True)
class MarkSteps:
    """Puts a mark behind each step of the answer, which is the last message.

    Args:
        separator: what steps are split at.
        mark: what stands behind each.
        joint: what stands between two.
    """

    separator: str
    mark: str
    joint: str = ""

    def __call__(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The messages with the steps marked.

        Raises:
            ValueError: a message spells the mark, so that it would be read there.
        """
        _refuse_spelled(messages, self.mark.strip())
        steps = split_steps(messages[-1]["content"], self.separator)
        content = self.joint.join(step + self.mark for step in steps)
        return [*map(dict, messages[:-1]), {**messages[-1], "content": content}]


@dataclass(frozen=True, slots=True)
class StepsAsTurns:
    """Makes each step a turn of the user, the first after the question, which "+" answers.

    Args:
        separator: what steps are split at.
        answer: the text by which a template shows that answer.
    """

    separator: str
    answer: str

    def __call__(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The messages as turns; a message without steps stays.

        Raises:
            ValueError: there is more than a question and its answer, or a message spells an answer.
        """
        if [message["role"] for message in messages] != ["user", "assistant"]:
            raise ValueError("the rlhflow-prm format knows one question and one answer")
        _refuse_spelled(messages, self.answer)
        question, said = (message["content"] for message in messages)
        steps = split_steps(said, self.separator)
        if not steps:
            return [*map(dict, messages)]
        steps[0] = f"{question} {steps[0]}"
        return [turn for step in steps for turn in step_turn(step)]


def step_turn(step: str) -> list[dict[str, Any]]:
    """What the user says, and the answer that the model was trained to give to a good step."""
    return [{"role": "user", "content": step}, {"role": "assistant", "content": "+"}]


def _refuse_spelled(messages: Sequence[Mapping[str, Any]], mark: str) -> None:
    if any(mark in message["content"] for message in messages):
        raise ValueError(f"a message spells {mark!r}, by which steps are marked")
