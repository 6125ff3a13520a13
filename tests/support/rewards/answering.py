"""Candidates by their texts, and checks that tests name by their path."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Any

from bestofn.core.types import Candidate, Failure, Request


def candidates_of(texts: Sequence[str]) -> list[Candidate]:
    """One that ended for each text."""
    return [Candidate(i, {"role": "assistant", "content": t}, "stop") for i, t in enumerate(texts)]


def verdict(request: Request, candidate: Candidate, *, good: str = "good") -> Any:
    """Does what the answer says."""
    said = candidate.text
    match said:
        case "sleep":
            time.sleep(60)
        case "die":
            os._exit(3)
        case "exit":
            raise SystemExit(4)
        case "raise":
            raise ValueError("bad answer")
        case "nan":
            return float("nan")
        case "none":
            return None
        case "text":
            return "yes"
        case "half":
            return 0.5
        case "failure":
            return Failure("unclear", "is unclear")
    return said == good


async def awaited(request: Request, candidate: Candidate) -> bool:
    """An async check."""
    await asyncio.sleep(60 if candidate.text == "sleep" else 0)
    return candidate.text == "good"


NUMBER = 5
