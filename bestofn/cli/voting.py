"""What chooses in a comparison: the selector and the answer key that flags, or a run, name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bestofn.builders.choosing import build_answer_key, build_selector
from bestofn.cli.options import named
from bestofn.core.errors import ConfigError
from bestofn.dataset.store.manifest import Manifest
from bestofn.settings.sections import (
    AnswerKeySettings,
    AnswerKeySpec,
    SelectorSettings,
    SelectorSpec,
)
from bestofn.support.error_text import faults

RUNS_CODE = "custom"
"""The answer key that is a function of the user's own."""


def voting(
    folder: Path, selector: str | None, answer_key: str | None
) -> tuple[SelectorSettings, AnswerKeySettings]:
    """The selector, `auto` where none is given, and the answer key, the run's own where none is.

    Args:
        folder: of the run.
        selector: the flag.
        answer_key: the flag.

    Raises:
        ConfigError: there is none of that name, or it has no such options; or the run's own answer
            key is a function, which a folder alone does not get run.
    """
    chosen = _read("--selector", SelectorSpec, selector) or SelectorSettings()
    key = _read("--answer-key", AnswerKeySpec, answer_key)
    if key is None:
        manifest = Manifest.read(folder)
        held = None if manifest is None else manifest.config.get("answer_key")
        key = AnswerKeySettings() if held is None else AnswerKeySettings.model_validate(held)
        if key.name == RUNS_CODE:
            raise ConfigError(
                f"{folder}: the run's answer key is a function ({key.options.get('path')}), and "
                "what a folder names is not run: name it with --answer-key"
            )
    build_selector(chosen, build_answer_key(key))
    return chosen, key


def _read(flag: str, spec: Any, given: str | None) -> Any:
    if given is None:
        return None
    try:
        return TypeAdapter(spec).validate_python(named(given))
    except ValidationError as error:
        raise ConfigError(f"{flag}: {faults(error)[0]}") from error
