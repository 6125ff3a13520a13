"""A judge's random numbers: they follow from the request, so that orders and replies repeat."""

from __future__ import annotations

import json
import random

from bestofn.core.types import Request
from bestofn.support.seeding import seed_from

SEEDS = 2**31
"""Engines take seeds below it."""


def request_random(request: Request) -> random.Random:
    """A generator that is the same for every request with these messages and this seed."""
    read = json.dumps([request.messages, request.seed], sort_keys=True, default=str)
    return random.Random(seed_from(read))


def request_seed(request: Request) -> int:
    """What the replies to a request are seeded with, below `SEEDS`."""
    return request_random(request).randrange(SEEDS)
