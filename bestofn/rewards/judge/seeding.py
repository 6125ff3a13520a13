"""Owns what a judge draws at random: it follows from the request, so that it repeats."""

from __future__ import annotations

import hashlib
import json
import random

from bestofn.core.types import Request


def random_of(request: Request) -> random.Random:
    """A generator that is the same for every request with these messages and this seed."""
    read = json.dumps([request.messages, request.seed], sort_keys=True, default=str)
    digest = hashlib.sha256(read.encode()).digest()
    return random.Random(int.from_bytes(digest, "big"))


def seed_of(request: Request) -> int:
    """What the replies to a request are seeded with, below 2**31."""
    return random_of(request).randrange(2**31)
