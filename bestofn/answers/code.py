"""Programs: the same whatever their layout and their comments."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.types import Candidate, Request
from bestofn.support.code_block import extract_code
from bestofn.support.program_text import is_program
from bestofn.support.thoughts import without_thoughts

_DOING = (ast.Call, ast.Subscript, ast.Lambda, ast.List, ast.Dict, ast.comprehension)
_DOING_ALSO = (ast.Add, ast.Mult, ast.Pow, ast.Mod, ast.FloorDiv, ast.MatMult)
"""What an expression has that is no prose: "Sorry", "Yes, sure", "well-known" and "it is possible"
are expressions of Python too."""

LONGEST = 20_000
"""Characters of a program that is read: Python's parser takes much memory for some texts."""


@dataclass(frozen=True, slots=True)
class CodeKey:
    """The program in an answer, as `bestofn.support.code_block` finds it. One in Python is compared
    as it is parsed, so that layout, quotes and comments do not count; another without blank lines
    and spaces at the ends of lines. None where there is no program, as in a refusal, or one above
    `LONGEST`."""

    kind: ClassVar[str] = "code"

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """See `bestofn.core.protocols.AnswerKey`."""
        text = without_thoughts(candidate.text)
        program = extract_code(text)
        if not program.strip() or len(program) > LONGEST:
            return None
        is_fenced = program != text
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of an answer's own invalid escapes
                parsed = ast.parse(program)
                return ast.unparse(parsed) if is_fenced or _does_something(parsed) else None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            if not is_fenced and not is_program(program):
                return None
            lines = (line.rstrip() for line in program.splitlines())
            return "\n".join(line for line in lines if line)


def _does_something(program: ast.Module) -> bool:
    """Whether a text that Python parses is more than words that happen to be an expression, or, as
    "Note: this", a name with its type."""
    return any(
        isinstance(node, (*_DOING, *_DOING_ALSO))
        or (isinstance(node, ast.stmt) and not isinstance(node, ast.Expr | ast.AnnAssign))
        or (isinstance(node, ast.AnnAssign) and node.value is not None)
        for node in ast.walk(program)
    )
