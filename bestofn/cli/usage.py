"""Flags that are wrong, told in the words of the settings: Typer leaves them to pydantic."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup


class Commands(TyperGroup):
    """The commands of the program."""

    def invoke(self, ctx: Any) -> Any:
        """Run the one that is named.

        Raises:
            typer.BadParameter: a flag is wrong.
        """
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _plain(error)
            raise


def _plain(error: typer.BadParameter) -> str:
    from pydantic import ValidationError

    from bestofn.support.error_text import faults

    if isinstance(error.__cause__, ValidationError):
        return faults(error.__cause__)[0].message
    return error.message
