"""A row's right answer as text, numbers as people write them, which is not how programs do.

reference_text(1e-05)                       # "0.00001"
reference_text("Paris")                     # "Paris"
"""

from __future__ import annotations

import math
from decimal import Decimal


def reference_text(reference: object) -> str:
    """The reference as it would stand in an answer: a float without an exponent, as the shortest
    decimal that is this float; anything else as Python writes it."""
    if isinstance(reference, float) and math.isfinite(reference):
        return format(Decimal(repr(reference)), "f")
    return str(reference)
