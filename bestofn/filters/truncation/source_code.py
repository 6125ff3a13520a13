"""Program text that is cut: what it leaves open, and where it cannot end."""

from __future__ import annotations

import re

from bestofn.support.program_text import NEUTRAL

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
_FULL_STOP = re.compile(
    r"^[^'\"`]*(?:(?<!\S)#|(?<!\S)//) .*\.$|(?<![\w.])[A-Za-z]+(?: [a-z]{2,30}){3}\.$"
)
"""A stop that ends a comment, or four words side by side, which no statement has."""


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
    if NEUTRAL.match(line.lstrip()) or _FULL_STOP.search(line):
        return False
    return _OPERATOR.search(line) is not None


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
