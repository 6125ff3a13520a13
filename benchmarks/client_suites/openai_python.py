"""openai-python's own tests of the paths that the server has, by what of them it can pass.

They were written against a mock that answers any request with an example of the right type. Which
of them ask for what a server without state, media or moderation has not, and which say what
OpenAI's own API refuses, is known by rule; all others have to pass. `with_plain_values` makes of a
test that cannot pass one that asks for the same without those fields, in a copy of its own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

_PLACE = "tests/api_resources/"
FILES = (
    f"{_PLACE}chat/test_completions.py",
    f"{_PLACE}test_completions.py",
    f"{_PLACE}test_models.py",
    f"{_PLACE}test_responses.py",
    f"{_PLACE}responses/test_input_items.py",
    f"{_PLACE}responses/test_input_tokens.py",
)

STATE = "state: a stored response, conversation, prompt or chat completion, or a model to delete"
NO_INPUT = "state: input is left out, for which something stored stands in OpenAI's API"
CONTRADICTS = "stream_options without stream, or a limit of 0: OpenAI's own API refuses them"

_STORED = r"_(retrieve|update|list|delete|cancel|compact)(_|\[|$)"

EXCEPTIONS: Mapping[str, Sequence[tuple[str, str]]] = {
    FILES[0]: ((_STORED, STATE), ("create_with_all_params", CONTRADICTS)),
    FILES[1]: (("create_with_all_params", CONTRADICTS),),
    FILES[2]: (("_delete", STATE),),
    FILES[3]: (
        ("create_with_all_params", STATE),
        ("_create_overload", NO_INPUT),
        (_STORED, STATE),
    ),
    FILES[4]: ((_STORED, STATE),),
    FILES[5]: (("_with_all_params", STATE), ("_count", NO_INPUT)),
}
"""By file: what a test's name holds, and why it cannot pass; the first that fits counts."""

_ASKED_PLAINLY = re.compile("_create|_count")

# With echo the first token has no log-probability: null in OpenAI's API and vLLM's, and no value of
# the client's own type, which it holds answers to in these tests.
_LEFT_OUT = frozenset({"background", "conversation", "moderation", "previous_response_id", "echo"})
_LIMITS = frozenset({"best_of", "max_tokens", "max_completion_tokens"})


def reason(file: str, name: str, *, plain: bool = False) -> str | None:
    """Why a test cannot pass; None: it has to.

    Args:
        file: of `FILES`.
        name: the test's, with its parameters.
        plain: whether its calls were made plain.
    """
    if plain and _ASKED_PLAINLY.search(name):
        return None
    return next((why for pattern, why in EXCEPTIONS[file] if re.search(pattern, name)), None)


def with_plain_values(source: str) -> str:
    """A file of tests whose calls of `create` and `count` need no state, and say one thing."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="create" | "count")):
                _make_plain(node, ast.unparse(node.func))
    return ast.unparse(ast.fix_missing_locations(tree))


def _make_plain(call: ast.Call, called: str) -> None:
    said = {each.arg: each for each in call.keywords if each.arg is not None}
    responses = ".responses." in called
    streams = ast.unparse(said["stream"].value) == "True" if "stream" in said else False
    left_out = _LEFT_OUT | ({"prompt"} if responses else set())
    left_out |= set() if streams else {"stream_options"}
    for name in _LIMITS & said.keys():
        said[name].value = ast.Constant(16)
    call.keywords = [each for each in call.keywords if each.arg not in left_out]
    if responses and "input" not in said:
        call.keywords.append(ast.keyword("input", ast.Constant("string")))


def copied(checkout: Path, folder: Path) -> None:
    """Copy the checkout's tests into `folder`, and make those of `FILES` plain."""
    for path in sorted((checkout / "tests").rglob("*.py")):
        place = folder / path.relative_to(checkout)
        place.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        plain = str(path.relative_to(checkout)) in FILES
        place.write_text(with_plain_values(text) if plain else text, encoding="utf-8")
