"""Whether a prompt asks for a number, so that the number of a short answer may stand for it.

    asks_number("What is 5 + 3?")                             # True
    asks_number("I had 7 and lost 3. How many are left?")     # True
    asks_number("Who won, and by how many points?")           # False: it asks for more

What is asked is the last question of a prompt, where it has one; what it tells to calculate may
stand anywhere. Of a long prompt, the two ends are read.
"""

from __future__ import annotations

import functools
import re
import unicodedata

ENDS = 1000
"""Characters read at each end of a prompt."""

_SENTENCE_END = re.compile(r"[.!](?=\s)|[。！]|\n[ \t]*+\n|(?<=\?)")
_EXPRESSION = re.compile(
    r"[\d)]\s?(?:[+*×÷^=]|\*\*|\s[-−/]\s|\\times|\\div|\\cdot|plus|minus|times"
    r"|(?:divided|multiplied) by|加上?|减去?|乘以?|除以?)\s?[-−(]?\d"
    r"|\d\s?[a-z]?\s?[-+−*/]\s?\d{1,20}\s?="
    r"|(?:\bis|['’]s) \(?-?\d[\d.,]{0,20}\s?"
    r"(?:[-−/%]\s?(?:of )?\d|percent of|squared|cubed|to the power)"
    r"|^(?=.*\d\s?[-−/]\s?\d)[\s\d.,()+*/×÷^=?−-]++$"
    r"|\\(?:frac|sqrt|sum|int)\b"
)
_TOLD = re.compile(
    r"(?:^|[.!?:;。！：；\n]\s{0,3}|\b(?:please|and|then) )"
    r"(?:calculate|compute|evaluate|solve|multiply|divide|subtract|simplify|count|round|estimate)\b"
    r"|计算|(?<![要请需追])求(?![助职])|算一?算|解方程"
)
_NUMBERS_OFFERED = re.compile(r"\d\s?(?:or|and|和|与|跟|还是)\s?-?\d")
_NOUN = (
    r"(?:sums?|totals?|numbers?|products?|difference|quotient|remainder|average|mean|median|area"
    r"|perimeter|circumference|volume|length|width|height|depth|distance|speed|price|cost|profit"
    r"|age|year|percentage|percent|probability|ratio|square root|cube root|population|temperature"
    r"|weight|mass|amount|value|result|digit|gcd|lcm|factorial)"
)
_ASKED = re.compile(
    r"\bhow (?:many|much|old|far|long|tall|high|deep|wide|heavy|fast|big|large|hot|cold|thick)\b"
    r"|\b(?:what(?:['’]s| is| are| was| were| will be| would be)|find|determine|give)"
    rf"(?: \w{{1,20}}){{0,3}} {_NOUN}\b|\b(?:what|which) {_NOUN}\b"
    r"|\bwhat(?:'s| is) [b-hj-z]\b|\bequals\b|\bequal to\b"
    r"|多少|几(?![乎何])|等于|多[大长高远重深宽快久]|哪一?年"
    r"|\bcu[aá]nt[oa]s?\b|\bquant(?:[oi]|as)\b|\bcombien\b|\bwie ?viele?\b|\bсколько\b"
    r"|いくつ|いくら|何[人個本枚円年歳]|얼마|몇"
)
_ASKS_ELSE = re.compile(
    r"^\W*(?:(?:and|so|but|by|from|to|in) )?"
    r"(?:(?:who|whose|whom|where|when|why)\b|(?:what|which|how)\b.*?(?:\band|,)"
    r" (?:by |in |for )?(?:who|whose|where|when|why|how|what|which)\b)"
    r"|^\W*(?:谁|哪里|为什么)|\binequalit|不等式"
    r"|\bhow much (?:do|does|did|has|have|will|would)\b.*\bchanged?\b"
)
"""A question that begins with another question word, goes on with a second one, or asks for a
change or an inequality, of which the direction counts too."""


def asks_number(prompt: str) -> bool:
    """Whether the prompt asks for a number and nothing else."""
    return _asks(f"{prompt[:ENDS]}\n{prompt[-ENDS:]}" if len(prompt) > 2 * ENDS else prompt)


@functools.lru_cache(maxsize=64)
def _asks(prompt: str) -> bool:
    prompt = unicodedata.normalize("NFKC", prompt).casefold()
    questions = [each for each in _SENTENCE_END.split(prompt) if "?" in each]
    asked = questions[-1].strip() if questions else prompt
    if _ASKS_ELSE.search(asked):
        return False
    if _TOLD.search(prompt) or _ASKED.search(asked) or _EXPRESSION.search(asked):
        return True
    return _NUMBERS_OFFERED.search(asked) is not None
