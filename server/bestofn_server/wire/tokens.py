"""Bodies of tokenize and detokenize, as vLLM has them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bestofn_server.wire import bounds
from bestofn_server.wire.bounds import Name, Object, Text
from bestofn_server.wire.messages import Message
from bestofn_server.wire.numbers import whole_numbers


class TokenizeRequest(BaseModel):
    """A text, or a conversation as the chat template shows it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: Name | None = Field(default=None, description="a model's or a profile's name")
    prompt: Text | None = None
    messages: Annotated[list[Message], Field(min_length=1, max_length=bounds.MAX_ITEMS)] | None = (
        None
    )
    tools: Annotated[list[Object], Field(max_length=bounds.MAX_ITEMS)] | None = None
    add_special_tokens: bool | None = Field(
        default=None, description="none: with a prompt; of messages the template writes them"
    )
    add_generation_prompt: bool | None = Field(default=None, description="none: yes")
    continue_final_message: bool | None = None
    chat_template_kwargs: Object | None = None
    return_token_strs: bool | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give either prompt or messages")
        return self

    @property
    def fields(self) -> dict[str, Any]:
        """What the tokenizer is asked."""
        return self.model_dump(exclude_none=True, exclude={"model"})


class DetokenizeRequest(BaseModel):
    """Tokens that are to be a text again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: Name | None = Field(default=None, description="a model's or a profile's name")
    tokens: Annotated[
        list[Annotated[int, Field(ge=0, le=bounds.LARGEST)]], BeforeValidator(whole_numbers)
    ] = Field(max_length=bounds.MAX_TOKEN_IDS)

    @property
    def fields(self) -> dict[str, Any]:
        """What the tokenizer is asked."""
        return {"tokens": self.tokens}


class Tokens(BaseModel):
    """The tokens of a text."""

    model_config = ConfigDict(extra="allow")
    count: int
    max_model_len: int | None = None
    tokens: list[int]
    token_strs: list[str] | None = None


class Detokenized(BaseModel):
    """The text of tokens."""

    model_config = ConfigDict(extra="allow")
    prompt: str
