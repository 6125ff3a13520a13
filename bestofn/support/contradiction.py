"""What is wrong with a body as a whole, said of the field that is to be changed.

A validator of a whole model has no field of its own for pydantic to name, and clients look for one.
"""

from __future__ import annotations

from typing import Final

from pydantic_core import PydanticCustomError

CONTRADICTION: Final = "contradiction"
"""The kind of the error, as pydantic tells it."""


def contradiction(field: str, message: str) -> PydanticCustomError:
    """The error for a validator to raise: the server's errors take ``field`` for their param."""
    return PydanticCustomError(CONTRADICTION, "{message}", {"message": message, "field": field})
