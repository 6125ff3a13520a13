"""The base of every section of the settings, and the bounds of what names and options are."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

MAX_NAME = 64
"""Characters of the name of a filter or a selector."""

MAX_OPTIONS = 64
"""Options of one."""


class Section(BaseModel):
    """A part of the settings: nothing unknown in it, and it does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
