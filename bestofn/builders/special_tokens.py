"""Special tokens of the model that samples, from its tokenizer's files where they are at hand."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bestofn import embedded
from bestofn.builders.generators import sources_of
from bestofn.core.protocols import Filter
from bestofn.settings.settings import Settings

NAMED = ("bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token")
"""Keys of tokenizer_config.json that name one special token each (transformers' names)."""


def with_special_tokens(filters: Sequence[Filter], settings: Settings) -> Sequence[Filter]:
    """The filters, each that takes the model's special tokens and was given none with those.

    Args:
        filters: any.
        settings: name the model.
    """
    if not any(_wants_tokens(each) for each in filters):
        return filters
    tokens = special_tokens_of(settings)
    # Which filter it is, its own field says: filters are imported by name.
    return [
        dataclasses.replace(each, tokens=tokens) if tokens and _wants_tokens(each) else each  # type: ignore[type-var]
        for each in filters
    ]


def _wants_tokens(judge: Filter) -> bool:
    return judge.name == "template_token" and getattr(judge, "tokens", None) == ()


def special_tokens_of(settings: Settings) -> tuple[str, ...]:
    """The special tokens of what samples, in the order of its files; () where no file of its
    tokenizer is here (an upstream's model, or one that was not fetched yet)."""
    if settings.generators:
        each = (special_tokens_of(source.settings) for source in sources_of(settings))
        return tuple(dict.fromkeys(token for tokens in each for token in tokens))
    if settings.upstream is not None or settings.engine == "none":
        return ()
    folder = settings.model or str(embedded.generator_path())
    found: dict[str, None] = {}
    for name in ("tokenizer_config.json", "tokenizer.json"):
        if (path := _file(folder, name)) is not None:
            found.update(dict.fromkeys(_special(path)))
    return tuple(token for token in found if token.strip())


def _file(model: str, name: str) -> Path | None:
    """A small file of a model, where it is on this machine."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        path = folder / name
        return path if path.is_file() else None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(model, name)
    except HFValidationError:
        return None
    return Path(cached) if isinstance(cached, str) else None


def _special(path: Path) -> Iterator[str]:
    """The tokens that a tokenizer's file calls special."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # the engine says what is wrong with it
    if not isinstance(content, dict):
        return
    for each in (content.get(name) for name in NAMED):
        if isinstance(each, dict):
            each = each.get("content")
        if isinstance(each, str):
            yield each
    added: Any = content.get("added_tokens_decoder", content.get("added_tokens"))
    for each in added.values() if isinstance(added, dict) else added or ():
        if isinstance(each, dict) and each.get("special") and isinstance(each.get("content"), str):
            yield each["content"]
