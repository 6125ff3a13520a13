"""The JSON verifier: an answer is right where it is JSON that fits a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.verifiers.verdicts import NO_REFERENCE, UNUSABLE_REFERENCE
from bestofn.rewards.verifiers.verifier import SECONDS, VerifierRewardModel
from bestofn.support import json_answer
from bestofn.support.schema_validator import validator_of
from bestofn.support.thoughts import without_thoughts

MEMORY_MB = 1024
"""Of address space for one worker: a schema, and the answer, may come from anybody. A worker
without one takes about 100."""


def json_schema_verifier(
    *,
    schema: Mapping[str, Any] | None = None,
    timeout: float = SECONDS,
    concurrency: int | None = None,
) -> VerifierRewardModel:
    """A verifier of JSON answers: 1 where the answer is JSON and fits the schema, else 0.

    `Score.components` has the number of ``errors``, of a text that is no JSON 1.

    Failures: ``no_reference``, no schema is given anywhere; ``unusable_reference``, it is none;
    ``verifier_timeout``, a pattern in it takes too long.

    Args:
        schema: of every answer; None: that in `Request.reference`, else that in the request's
            ``response_format``.
        timeout: seconds for one candidate.
        concurrency: as `VerifierRewardModel`.

    Raises:
        ConfigError: the schema is none, or an argument is out of its range.
    """
    if schema is not None:
        try:
            validator_of(json.dumps(schema))
        except (ValueError, TypeError) as error:
            raise ConfigError(f"schema of the JSON verifier: {error}") from error
    return VerifierRewardModel(
        f"{__name__}:check",
        name="the JSON verifier",
        timeout=timeout,
        concurrency=concurrency,
        options={"schema": None if schema is None else dict(schema)},
        memory_mb=MEMORY_MB,
    )


def check(
    request: Request, candidate: Candidate, *, schema: Mapping[str, Any] | None
) -> Score | Failure:
    """Whether the answer is JSON and fits; `schema` as in `json_schema_verifier`."""
    wanted = schema if schema is not None else request.reference
    if wanted is None:
        wanted = json_answer.schema_of(request)
    if wanted is None:
        return Failure(NO_REFERENCE, "no schema is given: by the verifier, reference or request")
    try:
        validator = validator_of(json.dumps(wanted))
    except (ValueError, TypeError) as error:
        return Failure(UNUSABLE_REFERENCE, f"the schema cannot be used: {error}")
    try:
        answer = json_answer.parse(without_thoughts(candidate.text))
    except ValueError:
        return Score(0.0, components={"errors": 1.0})
    errors = sum(1 for _ in validator.iter_errors(answer))
    return Score(float(errors == 0), components={"errors": float(errors)})
