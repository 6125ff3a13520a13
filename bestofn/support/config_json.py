"""A checkpoint's config.json, checked where it is read: names are names, sizes are sizes.

What a config says of a model is believed everywhere after this, so what cannot be is refused here:
`num_hidden_layers: -1` would score with no layers at all, `num_attention_heads: 0` divides by zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from bestofn.support.error_text import faults


def _size(most: int) -> Callable[[Any], Any]:
    """A check of a size, or of one for each layer."""

    def check(value: Any) -> Any:
        for each in value if isinstance(value, list) else [value]:
            if each is None or (type(each) is int and 1 <= each <= most):
                continue
            raise ValueError(f"it must be a whole number from 1 to {most:,}")
        return value

    return check


def _kind(kind: type, called: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value is not None and type(value) is not kind:
            raise ValueError(f"it must be {called}")
        return value

    return check


def _names(value: Any) -> Any:
    if value is not None and not (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    ):
        raise ValueError("it must be a list of names")
    return value


Count = Annotated[Any, BeforeValidator(_size(10_000))]
Width = Annotated[Any, BeforeValidator(_size(10_000_000))]
Vocabulary = Annotated[Any, BeforeValidator(_size(100_000_000))]
Table = Annotated[Any, BeforeValidator(_kind(dict, "an object"))]
Name = Annotated[Any, BeforeValidator(_kind(str, "a name"))]
Names = Annotated[Any, BeforeValidator(_names)]
Number = Annotated[Any, BeforeValidator(_kind(int, "a whole number"))]


class _Sizes(BaseModel):
    """The sizes of a trunk, by the names that transformers has for them."""

    model_config = ConfigDict(extra="ignore")
    hidden_size: Width = None
    d_model: Width = None
    n_embd: Width = None
    intermediate_size: Width = None
    head_dim: Width = None
    num_hidden_layers: Count = None
    n_layer: Count = None
    num_layers: Count = None
    num_attention_heads: Count = None
    n_head: Count = None
    num_heads: Count = None
    num_key_value_heads: Count = None
    vocab_size: Vocabulary = None


class _Config(_Sizes):
    architectures: Names = None
    model_type: Name = None
    auto_map: Table = None
    quantization_config: Table = None
    num_labels: Number = None
    id2label: Table = None
    text_config: Table = None


def config_fault(config: dict[str, Any]) -> str | None:
    """What a config says that cannot be, as the end of a sentence; None: nothing."""
    for table, kind in ((config, _Config), (config.get("text_config"), _Sizes)):
        try:
            kind.model_validate(table or {})
        except ValidationError as error:
            first = faults(error)[0]
            return f"{first.path} is {_short((table or {}).get(first.path))}, and {first.message}"
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
