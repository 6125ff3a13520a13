"""Seeds from text by SHA-256: the same in every process and on every machine, unlike `hash`."""

from __future__ import annotations

import hashlib

DIGEST_BITS = 256


def seed_from(text: str, bits: int = DIGEST_BITS) -> int:
    """The first `bits` bits of the text's SHA-256, as a number from 0 to 2**bits - 1.

    Args:
        text: what the seed follows from.
        bits: 1 to 256; engines take seeds of 31.
    """
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest, "big") >> (DIGEST_BITS - bits)
