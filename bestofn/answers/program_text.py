"""Whether a text without a fence is a program, rather than words about one or a refusal.

    is_program("def f(x):\\n    return x + 1")                # True
    is_program("I cannot help with that.")                    # False

It need only tell programs from prose; a command that is plain words ("git status") counts as prose.
"""

from __future__ import annotations

import ast
import re

_LINE = re.compile(
    r"(?:def|class|fn|func|function|const|let|var|public|private|static|struct|enum|namespace|using"
    r"|package|async|export|import|from|return|if|elif|for|while|except|with|switch|case|SELECT"
    r"|INSERT|CREATE|UPDATE|DELETE|FROM|WHERE|#include|#define|#!)(?![\w'’]).*[\w)\]}>\"':{(,]$"
    r"|(?:else|try|do|begin|end|fi|done|pass|break|continue):?$|@\w[\w.]*(?:\(.*\))?$"
    r"|.*[;{}]$|[)\]}]+[,;]?$|[\w.\[\]]+(?: \w+){0,4} ?[-+*/|:]?= ?\S|[\w.]+\(.*\)[;:,]?$|</?\w.*>$"
    r"|(?:\$ )?[a-z]\S* (?:.*\s)?--?[a-z].*(?:[^.!?]|\s\.)$"
)
"""A line that has the form of program text, in any common language; a command with flags."""
_COMMENT = re.compile(r"#(?!include|define|!)|//|--|/?\*")

_DOING = (ast.Call, ast.Subscript, ast.Lambda, ast.List, ast.Dict, ast.comprehension)
_DOING_ALSO = (ast.Add, ast.Mult, ast.Pow, ast.Mod, ast.FloorDiv, ast.MatMult)
"""What an expression has that is no prose: "Sorry", "Yes, sure", "well-known" and "it is possible"
are expressions of Python too."""


def is_program(text: str) -> bool:
    """Whether half of the lines or more have the form of program text, comments left out."""
    lines = [line.strip()[:200] for line in text.splitlines()]
    lines = [line for line in lines if line and not _COMMENT.match(line)]
    return bool(lines) and sum(map(bool, map(_LINE.match, lines))) * 2 >= len(lines)


def does_something(program: ast.Module) -> bool:
    """Whether a text that Python parses is more than words that happen to be an expression, or, as
    "Note: this", a name with its type."""
    return any(
        isinstance(node, (*_DOING, *_DOING_ALSO))
        or (isinstance(node, ast.stmt) and not isinstance(node, ast.Expr | ast.AnnAssign))
        or (isinstance(node, ast.AnnAssign) and node.value is not None)
        for node in ast.walk(program)
    )
