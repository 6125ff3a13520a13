"""Bounds of what a client may send: how many, how long, how deep, how large a number.

They keep a body cheap to refuse, and everything behind it linear in what was let in. Those of one
field stand at the field (`max_length`, `le`); those of any value, which no field names, are `Json`.
The OpenAPI page tells both. Bytes, candidates and tokens are the operator's to bound
(`bestofn.settings.sections.ServerSettings`).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

MAX_DEPTH = 100
"""Lists and objects within each other; a JSON schema nests two for each level of its own."""

MAX_CONTAINERS = 2**15
"""Lists and objects in a body. A conversation of a thousand turns with tools has some 10,000."""

MAX_MEMBERS = 2**16
"""Members of all objects of a body."""

MAX_VALUES = 2**19
"""Items and members in a body, numbers of a prompt in tokens included."""

MAX_ITEMS = 4096
"""Items of one list, members of one object; messages too."""

MAX_TOKEN_IDS = 2**18
"""Tokens of a prompt that comes as ids."""

MAX_PROMPTS = 1024
"""Prompts in one request."""

MAX_CANDIDATES = 4096
"""`best_of`, whatever the operator allows."""

MAX_CHOICES = 1000
"""Values of an enum or of `structured_outputs.choice`: OpenAI's own limit of an enum. An engine
compiles them before it samples (50,000 took vLLM 13 s)."""

MAX_NAME = 256
"""Characters of a name: of a model, a filter, an option, a finish reason."""

MAX_TEXT = 2**23
"""Characters of a text: what a body of the default size can hold."""

MAX_FILTERS = 32
"""Filters of one request."""

MAX_MILLISECONDS = 86_400_000
"""A day: of a deadline."""

SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""Integers that an engine takes (64 bits)."""

Name = Annotated[str, Field(max_length=MAX_NAME)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]

Json = Annotated[
    Any,
    WithJsonSchema(
        {
            "description": f"any JSON; in it lists and objects of at most {MAX_ITEMS:,} entries, "
            f"enums of at most {MAX_CHOICES:,}, {MAX_DEPTH} within each other, and integers of 64 "
            "bits",
            "maxItems": MAX_ITEMS,
            "maxProperties": MAX_ITEMS,
            "maxLength": MAX_TEXT,
            "minimum": SMALLEST,
            "maximum": LARGEST,
        }
    ),
]
"""A value that no field describes. `bestofn_server.http.json_body` holds it to these bounds before
any model sees it."""

Object = Annotated[dict[str, Json], Field(max_length=MAX_ITEMS)]
"""A message, a tool, options: an object whose members are the engine's."""
