"""The filter of structured output: answers that have to be JSON and to fit a JSON schema."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.bounded_schema import SchemaTimeoutError, fault_of, judge, waits
from bestofn.filters.empty import calls_tools
from bestofn.filters.reasoning import split_reasoning
from bestofn.support import json_answer
from bestofn.support.schema_validator import validator_of


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonSchemaFilter:
    """Rejects answers that are no JSON, or JSON that does not fit. Reasons: ``invalid_json``,
    ``schema_mismatch``, ``unusable_schema`` (the request's own schema is none, or refers to
    what is not in it: nothing is fetched; `best_of_n` refuses such a request), ``unjudged`` (a
    suspicion: it took longer than `bounded_schema.LIMIT_SECONDS` to judge).

    One Markdown fence around the value is accepted. A pure tool call is not judged.

    Args:
        schema: a JSON schema; None takes the one in the request's ``response_format``, and
            requests without one are not judged. A draft is chosen by ``$schema`` (jsonschema's
            newest where it names none).

    Raises:
        ConfigError: `schema` is no valid JSON schema, or refers to what is not in it.
    """

    schema: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.schema is not None:
            try:
                validator_of(json.dumps(self.schema, sort_keys=True))
            except (TypeError, ValueError) as error:
                raise ConfigError(f"json_schema filter: the schema is unusable: {error}") from error

    @property
    def name(self) -> str:
        """The filter's name."""
        return "json_schema"

    async def refusal(self, request: Request) -> str | None:
        """See `bestofn.core.protocols.Refusing`: the request's own schema has to be one."""
        schema = json_answer.schema_of(request)
        if schema is None or self.schema is not None:
            return None
        why = await asyncio.get_running_loop().run_in_executor(None, fault_of, schema)
        return None if why is None else f"the schema of response_format is unusable: {why}"

    def waits(self, request: Request, candidate: Candidate) -> bool:
        """See `bestofn.core.protocols.Waiting`."""
        schema = self._schema(request)
        return schema is not None and waits(schema, len(candidate.text))

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection that names the place and the rule of the most telling mismatch."""
        schema = self._schema(request)
        if schema is None or (not candidate.text.strip() and calls_tools(candidate)):
            return None
        try:
            text = json.dumps(schema, sort_keys=True)
            validator_of(text)
        except (TypeError, ValueError) as error:
            return Rejection(self.name, "unusable_schema", f"the request's schema: {error}")
        try:
            value = json_answer.parse(split_reasoning(candidate.text).answer)
        except ValueError as error:
            return Rejection(self.name, "invalid_json", f"it does not parse as JSON: {error}")
        try:
            mismatch = judge(text, value)
        except SchemaTimeoutError as error:
            return Rejection(self.name, "unjudged", f"the request's schema: {error}", certain=False)
        return Rejection(self.name, "schema_mismatch", mismatch) if mismatch else None

    def _schema(self, request: Request) -> Any:
        return self.schema if self.schema is not None else json_answer.schema_of(request)
