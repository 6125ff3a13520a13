"""Texts far beyond what a model reads: known by their characters, before they are tokenised whole.

A token stands for so many characters at most (`Encoder.longest`), so a text of more than the
model's tokens times that is too long whatever its tokens are. Seven megabytes cost 13 s and a
gigabyte when they were tokenised to learn that.
"""

from __future__ import annotations

from bestofn.core.types import Failure
from bestofn.rewards.text.contents import Rendered
from bestofn.rewards.text.fit import TOO_LONG
from bestofn.settings.choices import TooLong


def within_reach(
    text: str | Rendered, most: int | None, longest: int, policy: TooLong
) -> tuple[str | Rendered, int] | Failure:
    """The text as far as the model could read it, or why it is too long.

    Args:
        text: what it is given.
        most: tokens that it reads; None: no limit is known.
        longest: characters of a token, at most.
        policy: what becomes of a longer text. Twice what could be read is left of one that is
            truncated, so that no token near the edge depends on where it was cut here.

    Returns:
        The text, and how many tokens were left out at least.
    """
    whole = text if isinstance(text, Rendered) else Rendered(text)
    length, reach = len(whole.text), 2 * (most or 0) * longest
    if most is None or length <= reach:
        return text, 0
    if policy == "error":
        detail = f"the text has {length:,} characters, the model reads at most {most:,} tokens"
        return Failure(TOO_LONG, detail)
    begin = length - reach if policy == "truncate_left" else 0
    kept = whole.between(begin, begin + reach)
    left_out = (length - reach) // longest
    return (kept if isinstance(text, Rendered) else kept.text), left_out
