"""Program text without a fence: does a text look like code, and is that code cut."""

from __future__ import annotations

import re

_CODE_LINE = re.compile(
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

_NEUTRAL = re.compile(r"(?:#|//|\*|/\*)|\W*$")
"""Comments, and lines of marks only."""

_TOKEN = (
    # Strings, docstrings and comments; one that is not closed runs to the end of its line or of
    # the text. Possessive, so that the scan is linear.
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?'
    r"|\'\'\'(?:[^'\\]|\\.|'(?!''))*+(?:\'\'\')?"
    r"|(?<![\w.*~/-])/\*(?:[^*]|\*(?!/))*+(?:\*/)?"  # build/* is a path
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'(?:[^'\\\n]|\\.)*+'?"
    r"|(?:(?<=\s)|^)(?:\#|//COMMENT)[^\n]*"
    r"|[()\[\]{}]"
)
_IN_PYTHON, _ELSEWHERE = (
    re.compile(_TOKEN.replace("|//COMMENT", also), re.DOTALL | re.MULTILINE) for also in ("", "|//")
)
"""Tokens where // divides, and where it begins a comment."""

_PYTHON = re.compile(
    r"^[ \t]*(?:def \w+\(.*|elif .*|(?:if|for|while|with|try|else|except)\b.*):[ \t]*(?:#.*)?$"
    r"|^[ \t]*(?:import [\w.]+|from [\w.]+ import .*|>>> .*|def \w+\(.*)$",
    re.MULTILINE,
)
_DOCSTRING = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*+"""', re.DOTALL)
_PREFIX = re.compile(r"(?<!\w)[rbfuRBFU]{1,2}$")
_DEF = re.compile(r"\s*(?:async )?def \w+(?:\([^:]*)?$")
_HEAD = re.compile(r"\s*(?:if|elif|else|for|while|try|except|finally|with)\b[^:;{]*$")
_COLON = re.compile(
    r"^[ \t]*(?:def|class|if|elif|else|for|while|try|except|with)\b.*:$", re.MULTILINE
)
_INNER_COMMENT = re.compile(
    r"(?i)[ \t]+(?:#|//)(?!\s*(?:output|prints?|returns?|results?|expected|e\.g|[-=]>|→|\d|[\[({]))"
)
_PROMPT = re.compile(r"\s*(>>>|\.\.\.)(?: |$)")
_BLOCKS = (('"""', '"""'), ("'''", "'''"), ("/*", "*/"))
_PAIRS = {")": "(", "]": "[", "}": "{"}
_OPERATOR = re.compile(
    r"(?:[-+*/%=<&|^,:(\[{\\@]|(?<!\.\.)\.|\b(?:and|or|not|in|is|if|else|import|from|=>))$"
)


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
    lines = [line for line in lines if not _NEUTRAL.match(line)]
    if len(lines) < 2 or not any(map(_NO_FORMULA.search, lines)):
        return False
    return sum(map(bool, map(_CODE_LINE.match, lines))) > 0.6 * len(lines)


def _is_sentence(line: str) -> bool:
    words = line.split()
    plain = sum(_PLAIN_WORD.fullmatch(word) is not None for word in words)
    return len(words) >= 4 and plain >= 0.6 * len(words) and bool(_SENTENCE.match(line))


def _clip(line: str) -> str:
    """The stripped line, of long ones the two ends: the patterns' time is quadratic in a line."""
    line = line.strip()
    return line if len(line) <= 120 else line[:60] + line[-60:]


def open_structure(code: str) -> str | None:
    """What the program text leaves open: a bracket, a string at its very end, a docstring or a
    comment; None: nothing."""
    stack: list[str] = []
    tokens = _IN_PYTHON if _PYTHON.search(code) else _ELSEWHERE
    for found in tokens.finditer(code):
        token = found.group()
        for opener, closer in _BLOCKS:
            whole = len(token) >= len(opener) + len(closer) and token.endswith(closer)
            if token.startswith(opener) and not whole:
                return opener
        if token in ("(", "[", "{"):
            stack.append(token)
        elif token in _PAIRS and stack and stack[-1] == _PAIRS[token]:
            stack.pop()
        elif found.end() == len(code) and _is_open_string(code, found):
            return token[0]
    return stack[-1] if stack else None


def _is_open_string(code: str, found: re.Match[str]) -> bool:
    """Whether the token, the last one, is a string without its end, rather than an apostrophe."""
    token, before = found.group(), code[max(0, found.start() - 3) : found.start()]
    if token[0] not in "\"'" or (len(token) >= 2 and token[-1] == token[0]):
        return False
    return not before[-1:].isalnum() or _PREFIX.search(before) is not None


def ends_in_operator(code: str) -> bool:
    """Whether the last line cannot end a statement: an operator, a comma or an opened block."""
    line = code.rstrip()[-120:].rpartition("\n")[2]
    return not _NEUTRAL.match(line.lstrip()) and _OPERATOR.search(line) is not None


def ends_before_its_block(code: str) -> bool:
    """Whether the last line is a head without its colon, or a comment within a block."""
    above, _, line = code.rstrip().rpartition("\n")
    line = line[:200]
    if _DEF.match(line) or (_HEAD.match(line) and _COLON.search(above) and not _closes_more(line)):
        return True
    return bool(above) and _INNER_COMMENT.match(line) is not None


def _closes_more(line: str) -> bool:
    """Whether the line closes brackets of lines before, as a comprehension's last one does."""
    return any(line.count(closer) > line.count(opener) for closer, opener in _PAIRS.items())


def last_input(session: str) -> str | None:
    """The statement that ends an interactive session (>>> with its continuations), without its
    prompts; None where the output of one does."""
    statement: list[str] = []
    for line in reversed(session.rstrip().splitlines()):
        prompt = _PROMPT.match(line)
        if prompt is None:
            return None
        statement.append(line[prompt.end() :])
        if prompt.group(1) == ">>>":
            return "\n".join(reversed(statement))
    return None
