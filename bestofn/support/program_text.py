"""Program text without a fence, told from prose by the form of its lines.

    looks_like_code("The sum is x = 3.")                      # False
    looks_like_code("def f(x):\\n    return x + 1")           # True
    is_program("grep -r foo .")                               # True

Two questions: `looks_like_code` asks of any text whether it is code rather than prose, and wants
much for it, since a rule for code does harm to prose; `is_program` asks of an answer where a
program is expected whether it is one, rather than words about one or a refusal, and needs little.
"""

from __future__ import annotations

import re

_LIKELY_LINE = re.compile(
    r"(?:async )?(?:def|class|fn|func|function) \w.*[:({,]$|(?:if|for|while|elif|with|except)\b.*:$"
    r"|(?:else|try|finally):$|import [\w.]+|from [\w.]+ import"
    r"|(?:return|raise|yield|assert|del) ?\S*$"
    r"|(?:return|raise|yield|assert) [\w.]+[(\[,]|(?:pass|break|continue|end|fi|done)$"
    r"|(?:const|let|var|public|private|static|export|using|typedef|struct|enum|namespace) \w"
    r"|.*[=()\[\]<>.:].*;$|\w+;$|.*[{}]$|.*[(\[{]$|[)\]}]+[,;]?$|.*\w\(.*\)[,:]?$|.*\w[(\[].*,$"
    r"|[\w.\]\[]+(?: ?: ?[\w.\[\]]+)? ?[-+*/|]?= ?\S|[\w.]+\(|</?\w.*>$|@\w+"
    r"|#(?:include|define|if|end)"
    r"|[\w.'\"-]+ ?[:=] ?.*,$"
)
_FIRST_LINE = re.compile(
    r"(?:(?:async )?def \w+\(|class \w+[:({]|@\w+[\w.]*(?:\(.*\))?$|import [\w.]+"
    r"|from [\w.]+ import|#!|#(?:include|define|if|pragma)|function \w+\("
    r"|(?:const|let|var|export) \w|[{\[]\s*(?:$|[{\[\"\d]))"
)
_RECIPE = re.compile(
    r"^[a-z$][\w.%/$()-]{0,80}:(?: [\w.%/$() -]{0,200})?\n"
    r"\t[@-]?[a-z$][^\n]{0,400}[^\s.!?](?:\n|$)",
    re.MULTILINE,
)
"""A target of make, and the command that makes it."""

_SENTENCE = re.compile(r"(?![a-z#/*@<>])[^\W\d_].*[.!?。！？؟۔।][\"'”»)*_]*$")
_PLAIN_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*[,;:.!?]?")
"""A sentence, most of it plain words, as a last line: no program has it."""

_NO_FORMULA = re.compile(
    r"[;{}]$|^(?:def|class|fn|func|function|import|from|return|if|for|while|const|let|var|public"
    r"|private|static|#include|print|echo|SELECT|INSERT|CREATE)\b|[{(\[:,]$|^[<@$]|\w\.\w+\(|[\"'`]|^\w+\("
    r"|^[a-z_]{2,} ?[-+*/|]?= ?"
)
"""What at least one line of program text has, and lines of formulas have not."""

NEUTRAL = re.compile(r"(?:#|//|\*|/\*)|\W*$")
"""Comments, and lines of marks only: neither program text nor prose."""
_DOCSTRING = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*+"""', re.DOTALL)

_POSSIBLE_LINE = re.compile(
    r"(?:def|class|fn|func|function|const|let|var|public|private|static|struct|enum|namespace|using"
    r"|package|async|export|import|from|return|if|elif|for|while|except|with|switch|case|SELECT"
    r"|INSERT|CREATE|UPDATE|DELETE|FROM|WHERE|#include|#define|#!)(?![\w'’]).*[\w)\]}>\"':{(,]$"
    r"|(?:else|try|do|begin|end|fi|done|pass|break|continue):?$|@\w[\w.]*(?:\(.*\))?$"
    r"|.*[;{}]$|[)\]}]+[,;]?$|[\w.\[\]]+(?: \w+){0,4} ?[-+*/|:]?= ?\S|[\w.]+\(.*\)[;:,]?$|</?\w.*>$"
    r"|(?:\$ )?[a-z]\S* (?:.*\s)?--?[a-z].*(?:[^.!?]|\s\.)$"
)
"""A line that has the form of program text, in any common language; a command with flags."""
_COMMENT = re.compile(r"#(?!include|define|!)|//|--|/?\*")


def looks_like_code(text: str) -> bool:
    """Whether the first line of `text`, or most of at least two, have the form of program text.

    Docstrings and comments are left out of the count.
    """
    if _RECIPE.search(text) or _FIRST_LINE.match(_clip(text.lstrip().partition("\n")[0])):
        return True
    if len(text.splitlines()) < 2:
        return False  # the count below wants two
    last = text.rstrip().rpartition("\n")[2]
    if _is_sentence(_clip(last)):
        return False
    lines = [_clip(line) for line in _DOCSTRING.sub("", text).splitlines()]
    lines = [line for line in lines if not NEUTRAL.match(line)]
    if len(lines) < 2 or not any(map(_NO_FORMULA.search, lines)):
        return False
    return sum(map(bool, map(_LIKELY_LINE.match, lines))) > 0.6 * len(lines)


def _is_sentence(line: str) -> bool:
    words = line.split()
    plain = sum(_PLAIN_WORD.fullmatch(word) is not None for word in words)
    return len(words) >= 4 and plain >= 0.6 * len(words) and bool(_SENTENCE.match(line))


def _clip(line: str) -> str:
    """The stripped line, of long ones the two ends: the patterns' time is quadratic in a line."""
    line = line.strip()
    return line if len(line) <= 120 else line[:60] + line[-60:]


def is_program(text: str) -> bool:
    """Whether an answer is a program: half of its lines or more have the form of program text,
    comments left out. A command of plain words ("git status") counts as prose."""
    lines = [line.strip()[:200] for line in text.splitlines()]
    lines = [line for line in lines if line and not _COMMENT.match(line)]
    return bool(lines) and sum(map(bool, map(_POSSIBLE_LINE.match, lines))) * 2 >= len(lines)
