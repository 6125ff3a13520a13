"""What chooses, made from settings: the selector, and the answer key that it votes on.

    key = build_answer_key(settings.answer_key)
    selector = build_selector(settings.selector, key)

A new selector or answer key is one new file and one line here.
"""

from __future__ import annotations

from collections.abc import Mapping

from bestofn.builders.by_name import make
from bestofn.core.protocols import AnswerKey, Selector
from bestofn.settings.sections import AnswerKeySettings, SelectorSettings

SELECTORS: Mapping[str, str] = {
    "argmax": "bestofn.selection.argmax:ArgmaxSelector",
    "auto": "bestofn.selection.auto:AutoSelector",
    "best_of_majority": "bestofn.selection.best_of_majority:BestOfMajoritySelector",
    "confidence": "bestofn.selection.confidence:ConfidenceSelector",
    "consensus": "bestofn.selection.consensus:ConsensusSelector",
    "length_corrected": "bestofn.selection.length_corrected:LengthCorrectedSelector",
    "majority_of_bests": "bestofn.selection.majority_of_bests:MajorityOfBestsSelector",
    "soft": "bestofn.selection.soft:SoftSelector",
    "vote": "bestofn.selection.vote:VoteSelector",
    "weighted_vote": "bestofn.selection.weighted_vote:WeightedVoteSelector",
}
ANSWER_KEYS: Mapping[str, str] = {
    "auto": "bestofn.answers.auto:AutoKey",
    "choice": "bestofn.answers.choice:ChoiceKey",
    "code": "bestofn.answers.code:CodeKey",
    "custom": "bestofn.answers.custom:CustomKey",
    "json": "bestofn.answers.json:JsonKey",
    "number": "bestofn.answers.number:NumberKey",
    "pattern": "bestofn.answers.pattern:PatternKey",
    "text": "bestofn.answers.text:TextKey",
    "tool_calls": "bestofn.answers.tool_calls:ToolCallsKey",
}


def build_answer_key(spec: AnswerKeySettings) -> AnswerKey:
    """What is voted on.

    Raises:
        ConfigError: an unknown name, or options that the key does not take.
    """
    key: AnswerKey = make("answer key", ANSWER_KEYS, spec.name, spec.options)
    return key


def build_selector(spec: SelectorSettings, answer_key: AnswerKey | None = None) -> Selector:
    """The selector.

    Args:
        spec: which, with its options.
        answer_key: what it votes on, if it does; None: whatever suits the answers.

    Raises:
        ConfigError: an unknown name, or options that the selector does not take.
    """
    key = build_answer_key(AnswerKeySettings()) if answer_key is None else answer_key
    handed = {"answer_key": key}
    selector: Selector = make("selector", SELECTORS, spec.name, spec.options, handed)
    return selector
