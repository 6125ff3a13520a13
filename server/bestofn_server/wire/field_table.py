"""What becomes of every field that OpenAI documents, as the table of docs/guides/serve.md.

python -m bestofn_server.wire.field_table
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import BaseModel

from bestofn.core.types import Endpoint
from bestofn.openai_api.documented_fields import DOCUMENTED, IGNORED, OLDER
from bestofn_server.wire.requests import ChatRequest, CompletionRequest

Outcome = Literal["bestofn", "engine", "ignored", "refused"]

MODELS: Mapping[Endpoint, type[BaseModel]] = {
    "chat/completions": ChatRequest,
    "completions": CompletionRequest,
}

_SENTENCES: Mapping[Outcome, str] = {
    "bestofn": "bestofn's own to honour",
    "engine": "given to the engine as it came; an engine that lacks it answers 400 and names it",
    "ignored": "an upstream gets it; engines in the process ignore it, and `notes` name it",
    "refused": "an upstream gets it; engines in the process answer 400 and name what replaced it",
}


def outcome(endpoint: Endpoint, field: str) -> Outcome:
    """What becomes of a documented field of a request to `endpoint`."""
    if field in MODELS[endpoint].model_fields:
        return "bestofn"
    if field in IGNORED:
        return "ignored"
    return "refused" if field in OLDER else "engine"


def fields(endpoint: Endpoint, what: Outcome) -> list[str]:
    """The documented fields of that outcome, in order of the alphabet."""
    return sorted(name for name in DOCUMENTED[endpoint] if outcome(endpoint, name) == what)


def table() -> str:
    """The table, in Markdown."""
    lines = ["| | `/v1/chat/completions` | `/v1/completions` |", "|---|---|---|"]
    for what in get_args(Outcome):
        cells = [", ".join(f"`{name}`" for name in fields(each, what)) for each in MODELS]
        lines.append(f"| {_SENTENCES[what]} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
