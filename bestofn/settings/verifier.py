"""The settings of a verifier: ``{kind: verifier, check: math}`` among the rewards."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bestofn.settings.section import Section


class VerifierSettings(Section):
    """A function that checks answers, and how it is run; see `bestofn.rewards.verifiers`."""

    check: str = Field(
        description="math, code or json_schema, or the import path of a function of request and "
        "candidate, package.module:function"
    )
    options: dict[str, Any] | None = Field(
        default=None, description="further arguments: of the built-in check, or of the function"
    )
    timeout: float | None = Field(
        default=None,
        description="seconds for one candidate (code: for one test); none: as the check's default",
    )
    concurrency: int | None = Field(
        default=None, description="candidates at once; none: one for each CPU, 8 at most"
    )
    memory_mb: int | None = Field(
        default=None,
        description="of address space for one worker or program, in MiB; none: as the check's "
        "default",
    )
    unsafe: bool | None = Field(
        default=None,
        description="of code: whether programs may run without walls where there can be none; "
        "none: as unsafe_code says",
    )
    needs_reference: bool | None = Field(
        default=None,
        description="of a function: whether a request without a reference fails unchecked",
    )
