"""What ends a text without a sentence end: a final answer, a signature, hashtags, a title.

>>> from bestofn.filters.truncation.closings import is_final_answer
>>> is_final_answer("Answer: 93"), is_final_answer("He had already sold 93")
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bestofn.filters.truncation.blocks import Block
from bestofn.filters.truncation.line_end import TAIL, open_end
from bestofn.filters.truncation.signatures import is_signature

_TAG = re.compile(
    r"(?:[#＃](?=\w*[^\W\d])[^\s#＃()\[\]{}.,;:]+|[@＠][\w.-]*\w|https?://\S+|www\.\S+|\[[^\]\n]{1,120}\]\(\S{1,400}\)|\W{1,8})"
    r"(?:\s+|(?=[#＃])|$)"
)
_HASHTAG = re.compile(r"(?:^|\s)[#＃@＠](?=\w*[^\W\d])|https?://|www\.|\]\(")

_NUMBER = (
    r"[-+−–±~≈]?[$€£¥₹₽]?\s?[-+−–]?\d[\d.,:/'  ]*(?:\^?\d+)?"
    r"(?:\s?[%°‰²³$€£¥₹₽元円원万億亿兆千百個人日年月時分秒年歳]{1,3}|\s?[A-Za-zµΩ°]{1,4}(?:[/·^][A-Za-z0-9²³]{1,4})?)?"
)
_OPTION = r"[\[(（]?[A-Za-zΑ-Ωа-яА-Яア-オ①-⑩ㄱ-ㅎ][\])）.:]?"
_LABEL = (
    r"(?:(?:final |correct )?(?:answers?|option|choice|result|solution|total|value)|ans"
    r"|verdict|rating|score|grade|label|category|sum|probability|antwort|ergebnis|lösung|réponse"
    r"|résultat|respuesta|resultado|resposta|risposta|risultato|odpověď|odpowiedź|răspuns|ответ"
    r"|відповідь|cevap|jawaban|antwoord|svar|đáp án|الجواب|الإجابة|תשובה|پاسخ|उत्तर|결론|정답|답)\b"
    r"|(?:答え?|答案|解答|回答|正解|結論|结论)"
)
_ANSWER = re.compile(
    rf"(?i)^[\s>*_#-]*(?:(?:so|thus|hence|therefore),?\s)?(?:the\s|la\s|el\s|die\s|le\s|der\s|das\s)?"
    rf"(?:(?:{_LABEL})(?:\s\w+){{0,4}}?[*_]*\s*(?:[:：=][*_:\s]*\S+(?:\s\S+){{0,7}}"
    r"|(?:は|은|는|是|为|為)\s*\S.{0,24}"
    r"|\s(?:is|are|est|es|ist|je|equals?|é|è)\s[*_:\s]*\S+(?:\s\S+){0,3})|a[:：]\s*\S.{0,60})$"
)
"""A line that gives the answer: a label, a colon or "is", and a value of any form."""

_VALUE = re.compile(rf"^[\s>*_$\\(\[-]*(?:{_NUMBER}|{_OPTION}|\\boxed\{{.{{1,80}})[\s*_$\\)\].]*$")
"""A line that is nothing but a number with its unit, or the letter of a choice."""

_AMOUNT = re.compile(
    r"[$€£¥₹]\s?\d[\d.,]*[*_)]*$"
    r"|\d[\d.,]*\s?(?:%|°[CF]?|€|£|¥|円|元|원|[kKMGT]?[BbWVHhgmlJ]z?|[ckmµn]?m[²³23]?|kg|mg|km/h|m/s[²2]?|mph|ms|min|hrs?"
    r"|cm|mm|ft|lbs?|oz|kcal|USD|EUR|GBP|dollars?|euros?|cents?|hours?|minutes?|seconds?|days?|weeks?|months?|years?"
    r"|miles?|degrees?|meters?|metres?|pounds?|people|points?)[*_)]*$"
)
"""An amount with its unit at the end of a sentence."""

_BOXED = re.compile(r"\\boxed\s?\{.{1,200}\}[\s$\\)\]*]*$")
_EQUATION = re.compile(
    r"(?:[=≈≤≥<>→⇒]|\bequals)\s?[^\s=≈，。]{1,60}(?:\s[^\s=≈，。A-Za-z]\S{0,40}){0,12}(?:\s[A-Za-z]{1,12})?$"
)
_TAGGED = re.compile(r"<[\w./-]{1,60}>")
"""A word in angle brackets, which are no signs of comparison."""

_PLACEHOLDER = re.compile(r"\\?[\[<{（(【〈]{1,2}[^\[\]<>{}\n]{1,60}[\]>}）)】〉]{1,2}[*_.]*$")
_STAGE = re.compile(
    r"(?:\*[^*\n]{2,120}\*|_[^_\n]{2,120}_|\([^()\n]{2,120}\)|（[^（）\n]{2,120}）)$"
)
_QUOTED = re.compile(
    r"[*_#\s>-]*(?:\"[^\"\n]{1,300}\"|[“„”«»'‘‚「『《【〈][^\n]{1,300}[”“«»'’‘」』》】〉])[*_]*"
    r"(?:\s*(?:[-–—~]|by\s|作者|著)\s*[^\n]{1,60})?$"
)
"""A line that is a quotation or a title in marks, with or without its author."""

_SPOKEN = re.compile(r"[^\s「『]{0,12}\s?[「『][^\n]{1,300}[」』]")
"""A line of a dialogue: who speaks, and what, in marks that need no stop within."""

_NOTE = re.compile(r"\[\^\w{1,12}\]:?\s\S")
_REFERENCE = re.compile(
    r"[^\n.]{0,4}[^\W\d_][\w'’-]{1,24},? (?:[A-Z]\.[ -]?){1,3}.{0,160}"
    r"\(\d{4}[a-z]?\)[.,:]?\s.{3,200}[.:,] [^.]{3,80}$"
)
"""A footnote, and an entry of a bibliography (authors, the year, a title, where it came out)."""

_POSTSCRIPT = re.compile(r"(?i)\s*[*_]*(?:P\.? ?){1,3}S\.?[*_]*[:. ]|\s*追[伸記]|\s*附言")
_SHOUTED = re.compile(r"[\W\d_]*(?:[A-Z]{2,}[\W\d_]*){1,3}$")
_WORD = re.compile(r"[^\W\d_]")


def without_tags(text: str) -> str:
    """`text` without the hashtags, mentions and links that follow the last sentence on its line;
    '' where the whole last line is such: then the text went on to its end."""
    head, newline, line = text.rstrip().rpartition("\n")
    tail = line[-1000:]
    if not _HASHTAG.search(tail):
        return text
    words = tail.lstrip("-*•> ").split()
    kept = len(words)
    while kept and _TAG.fullmatch(words[kept - 1]):
        kept -= 1
    if not kept:
        return ""
    if kept == len(words) or not _opens_tags(words[kept]):
        return text
    rest = " ".join(words[:kept])
    # "made by Anna and @bert": the sentence goes on over the mention.
    return text if open_end(rest) else f"{head}{newline}{rest}"


def _opens_tags(word: str) -> bool:
    """Whether the word is a hashtag or a mention, which may follow a sentence on its line."""
    return word[:1] in "#＃@＠" and len(word) > 1


def is_final_answer(line: str, *, alone: bool = True) -> bool:
    """Whether the line gives a result, and is complete without a stop; a bare value is one only
    where it stands `alone`, as against behind another sentence."""
    tail = line.rstrip()[-TAIL:]
    return bool((alone and _VALUE.match(tail)) or _BOXED.search(tail) or _ANSWER.match(tail))


def ends_in_amount(line: str) -> bool:
    """Whether the line ends in an amount with its unit, or in the right side of an equation."""
    tail = _TAGGED.sub("", line.rstrip()[-TAIL:]).rstrip("*_ ")
    return bool(_AMOUNT.search(tail) or _EQUATION.search(tail))


def is_closing(found: Sequence[Block], line: str) -> bool:
    """Whether the last line is of a kind that stands at the end of a text and has no stop."""
    bare = line.strip()
    if not _WORD.search(bare) or _POSTSCRIPT.match(bare):
        return True
    if any(form.fullmatch(bare) for form in (_PLACEHOLDER, _STAGE, _QUOTED, _SPOKEN)):
        return True
    if _NOTE.match(bare) or _REFERENCE.match(bare):
        return True
    if _SHOUTED.fullmatch(bare) and len(found) > 1 and len(found[-1].lines) == 1:
        return True
    dashed = bare[-1] in "—–" and found[-1].text.count(bare[-1] + "\n") >= 1
    words = bare.split()
    recited = len(words) >= 8 and (
        len(set(words)) <= 0.3 * len(words) or max(map(len, words)) == 1  # A B C
    )
    return dashed or recited or is_signature(found)
