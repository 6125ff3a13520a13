"""Formats: the table of reward model families, how each wants its text, how it is recognised.

It is read without torch and without weights. What reads a family's weights stands under its name
in `bestofn.rewards.checkpoints.loading`; `bestofn models` prints the table. A model that is not
here uses its own chat template, or a Jinja template the user gives.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bestofn.core.errors import ConfigError
from bestofn.rewards.text import templates
from bestofn.settings.choices import Aggregate
from bestofn.settings.rewards import RewardSettings

Frame = Literal["tokenizer", "bos", "text"]
"""Which special tokens stand around a text: those that the tokenizer puts around any; BOS before
it, whether or not the installed tokenizer puts it there; or only those that the text spells."""


@dataclass(frozen=True, slots=True)
class Format:
    """One family, and the one way to make its text.

    Args:
        name: what the user calls it.
        family: what it is called, for a reader.
        examples: checkpoints on the hub.
        head: what makes the number, and where, for a reader.
        known_by: how it is recognised, for a reader.
        template: Jinja, with the variables of `bestofn.rewards.text.renderer`; None: the
            model's own chat template.
        fold_system: system text goes before the first user message, a blank line between, because
            the model was trained without system messages.
        ending: Jinja text after a candidate that ended by itself and does not yet end in the end
            token; trailing newlines of the template go first.
        frame: the special tokens around the text.
        max_tokens: the longest text the model was trained on, where its config does not say so.
        architectures: one of them stands in its config.json; none: any may.
        says: what else its config.json says; a family with neither has to be named.
        tensor: the weight that tells it from another family of the same architecture.
        aggregate: of a process reward model, what its authors select among N with.
        shares: whether candidates share the computation of their common prefix.
        remote: whether it needs the code that comes with the checkpoint.
    """

    name: str
    family: str = ""
    examples: tuple[str, ...] = ()
    head: str = "linear, at the last token"
    known_by: str = "never; it has to be named"
    template: str | None = None
    fold_system: bool = False
    ending: str | None = None
    frame: Frame = "tokenizer"
    max_tokens: int | None = None
    architectures: tuple[str, ...] = ()
    says: Callable[[Mapping[str, Any]], bool] | None = None
    tensor: str | None = None
    aggregate: Aggregate | None = None
    shares: bool = True
    remote: bool = False

    def recognises(self, config: Mapping[str, Any], tensors: Collection[str] = ()) -> bool:
        """Whether the config.json, and the weights' names where they are known, are its."""
        if not self.architectures and self.says is None:
            return False
        found = config.get("architectures") or ()
        return (
            (not self.architectures or any(name in self.architectures for name in found))
            and (self.says is None or self.says(config))
            and (self.tensor is None or not tensors or self.tensor in tensors)
        )


PAIRWISE_ARCHITECTURE = "DebertaV2PairRM"
"""What a pairwise ranker's config.json calls it; it has no format (`bestofn.rewards.pairwise`)."""

FORMATS = {
    known.name: known
    for known in (
        # Facts, each from the model's card, or the code that its authors publish, where no other
        # source is named.
        Format(
            "chat",
            "sequence classifiers",
            (
                "Skywork/Skywork-Reward-Llama-3.1-8B-v0.2",
                "sfairXC/FsfairX-LLaMA3-RM-v0.1",
                "weqweasdas/RM-Mistral-7B",
                "allenai/Llama-3.1-Tulu-3-8B-RM",
                "Ray2333/GRM-Llama3-8B-rewardmodel-ft",
            ),
            known_by="*ForSequenceClassification of transformers with one label",
        ),
        # Its config is that of the model it was tuned from, so it has to be named.
        Format(
            "skywork-v2",
            "Skywork-Reward-V2",
            ("Skywork/Skywork-Reward-V2-Llama-3.1-8B", "Skywork/Skywork-Reward-V2-Qwen3-8B"),
            fold_system=True,
        ),
        # openrlhf/datasets/reward_dataset.py: trailing newlines go, then a space and the end token
        # where it is not there yet, and add_special_tokens=False. train_rm.py writes the key.
        Format(
            "openrlhf",
            "trained with OpenRLHF",
            ("OpenRLHF/Llama-3-8b-rm-700k",),
            "the config's value_head_prefix, linear without bias, at the last token; "
            "(value - mean) / std where normalize_reward",
            "value_head_prefix in config.json",
            ending=" {{ eos_token }}",
            frame="text",
            says=lambda config: "value_head_prefix" in config,
        ),
        Format(
            "ziya",
            "Ziya",
            ("IDEA-CCNL/Ziya-LLaMA-7B-Reward",),
            "value_head, linear with bias, at the last token",
            "LlamaRewardModel with value_head.weight",
            template=templates.ZIYA,
            max_tokens=1024,
            architectures=("LlamaRewardModel",),
            tensor="value_head.weight",
        ),
        Format(
            "ultrarm",
            "UltraRM",
            ("openbmb/UltraRM-13b",),
            "regression_head, linear without bias, at the last token",
            "LlamaRewardModel with regression_head.weight",
            template=templates.ULTRARM,
            frame="bos",
            architectures=("LlamaRewardModel",),
            tensor="regression_head.weight",
        ),
        Format(
            "eurus",
            "Eurus-RM",
            ("openbmb/Eurus-RM-7b",),
            "regression_head, linear without bias, at the last token",
            "EurusRewardModel",
            template=templates.EURUS,
            fold_system=True,
            frame="bos",
            architectures=("EurusRewardModel",),
        ),
        # safe_rlhf/models/score_model: the score at the end of the text, higher cost is worse.
        Format(
            "beaver-cost",
            "Beaver cost",
            ("PKU-Alignment/beaver-7b-v1.0-cost",),
            "score_head, linear, at the last token, negated",
            "LlamaForScore with score_type cost",
            template=templates.BEAVER,
            fold_system=True,
            frame="bos",
            architectures=("LlamaForScore", "LlamaModelForScore"),
            says=lambda config: config.get("score_type") == "cost",
        ),
        Format(
            "beaver",
            "Beaver reward",
            ("PKU-Alignment/beaver-7b-v1.0-reward",),
            "score_head, linear, at the last token",
            "LlamaForScore",
            template=templates.BEAVER,
            fold_system=True,
            frame="bos",
            architectures=("LlamaForScore", "LlamaModelForScore"),
        ),
        # Chat template, add_special_tokens=False, then config.reward_token_id.
        Format(
            "internlm2",
            "InternLM2-Reward",
            ("internlm/internlm2-7b-reward", "internlm/internlm2-1_8b-reward"),
            "v_head, linear without bias, at the reward token after the text",
            "InternLM2ForRewardModel",
            frame="text",
            architectures=("InternLM2ForRewardModel",),
        ),
        Format(
            "qwen-math-rm",
            "Qwen2.5-Math-RM",
            ("Qwen/Qwen2.5-Math-RM-72B",),
            "score, linear, ReLU, linear, at the last token",
            "Qwen2ForRewardModel",
            frame="text",
            architectures=("Qwen2ForRewardModel",),
        ),
        # arXiv 2501.07301, section 2.2: the product of the steps' rewards, in best-of-N.
        Format(
            "qwen-math-prm",
            "Qwen2.5-Math-PRM",
            ("Qwen/Qwen2.5-Math-PRM-7B", "Qwen/Qwen2.5-Math-7B-PRM800K"),
            "score, linear, ReLU, linear, P(label 1) at each <extra_0>",
            "Qwen2ForProcessRewardModel",
            frame="text",
            architectures=("Qwen2ForProcessRewardModel",),
            aggregate="prod",
        ),
        # RLHF-Reward-Modeling/math-rm: one user turn a step, each answered "+"; select by the mean.
        Format(
            "rlhflow-prm",
            "RLHFlow PRM",
            ("RLHFlow/Llama3.1-8B-PRM-Deepseek-Data", "RLHFlow/Llama3.1-8B-PRM-Mistral-Data"),
            "lm_head, softmax of + against -, where each step's answer is predicted",
            fold_system=True,
            frame="text",
            aggregate="mean",
        ),
        # The paper's (arXiv 2312.08935) score of a solution is the least of its steps'.
        Format(
            "math-shepherd",
            "math-shepherd",
            ("peiyi9979/math-shepherd-mistral-7b-prm",),
            "lm_head, softmax of + against -, at the ки after each step",
            template=templates.MATH_SHEPHERD,
            fold_system=True,
            frame="bos",
            aggregate="min",
        ),
        # Without token types (type_vocab_size 0), so that one text with [SEP] is the pair.
        Format(
            "oasst",
            "OpenAssistant DeBERTa",
            ("OpenAssistant/reward-model-deberta-v3-large-v2",),
            "the encoder's own classifier",
            "DebertaV2ForSequenceClassification with one label",
            template=templates.OASST,
            fold_system=True,
            architectures=("DebertaV2ForSequenceClassification",),
            says=lambda config: config.get("type_vocab_size", 0) == 0,
            shares=False,
        ),
        Format(
            "remote-code",
            "models with code of their own",
            (
                "RLHFlow/ArmoRM-Llama3-8B-v0.1",
                "nicolinho/QRM-Llama3.1-8B",
                "LxzGordon/URM-LLaMa-3.1-8B",
            ),
            "the code's own: its output's score, else logits",
            "auto_map in config.json",
            shares=False,
            remote=True,
        ),
    )
}
"""Every family. The first that recognises a checkpoint has it."""


def named_format(name: str) -> Format:
    """The format of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in FORMATS:
        raise ConfigError(f"no format is called {name}; there are {', '.join(sorted(FORMATS))}")
    return FORMATS[name]


def format_named_in(settings: RewardSettings) -> Format | None:
    """The format that the user names; None where none is named.

    Raises:
        ConfigError: there is none of that name, or a template stands beside it.
    """
    if settings.format is None:
        return None
    if settings.template is not None:
        raise ConfigError("format and template are both given: give one of them")
    return named_format(settings.format)


def recognised_format(config: Mapping[str, Any], tensors: Collection[str] = ()) -> Format | None:
    """The first format whose rule fits the checkpoint, or None.

    Where the config fits one and the weights none, it is the config's: a head is missing then.

    Args:
        config: its config.json.
        tensors: the names of its weights, where they are known.
    """
    by_config = [known for known in FORMATS.values() if known.recognises(config)]
    found = [known for known in by_config if known.recognises(config, tensors)]
    return next(iter(found or by_config), None)
