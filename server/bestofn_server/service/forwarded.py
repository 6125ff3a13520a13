"""What is told of a request that passes through to the engine: its fields without an effect."""

from __future__ import annotations

from typing import Any

from bestofn.core.types import OWNED_OPTIONS, Request
from bestofn_server.service.job import Job


def told(job: Job) -> dict[str, Any]:
    """``{"bestofn": {"notes": [...]}}`` for the answer, or nothing where there is nothing to tell.

    Args:
        job: with a body to forward.

    Raises:
        RequestError: it asks for what the engine cannot do.
    """
    fields = {k: v for k, v in (job.forward or {}).items() if k not in OWNED_OPTIONS}
    raw = job.endpoint == "completions"
    notes = job.pipeline.without_effect(Request.from_prompt("", options=fields, raw=raw))
    return {"bestofn": {"notes": list(notes)}} if notes else {}
