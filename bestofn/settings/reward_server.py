"""The settings of a reward model on a server: ``{kind: server, url: ...}`` among the rewards."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bestofn.settings.choices import Images, TooLong
from bestofn.settings.section import Section

RewardApi = Literal[
    "bestofn",
    "vllm-classify",
    "vllm-pooling",
    "sglang-classify",
    "tei-predict",
    "tei-rerank",
    "vllm-rerank",
    "rerank",
]
"""A server's way of being asked; see `bestofn.rewards.remote.wire_formats`."""


class RewardServerSettings(Section):
    """A reward model on a server, and how it is asked; see `bestofn.rewards.remote.open`."""

    url: str
    api: RewardApi | Literal["auto"] = Field(
        default="auto", description="how it is asked; auto: found out from the paths that it has"
    )
    model: str | None = Field(default=None, description="its name there; none: the only one")
    tokenizer: str | None = Field(
        default=None,
        description="folder or hub name of the checkpoint that is served, for its texts; none: "
        "where the server says that it was loaded from; rerankers and bestofn need none",
    )
    format: str | None = Field(
        default=None, description="named text format; none: recognised or template"
    )
    template: str | None = Field(
        default=None, description="Jinja template of the text, instead of both"
    )
    reasoning: bool = Field(
        default=False, description="whether the model is shown what was thought before an answer"
    )
    images: Images = Field(
        default="placeholder", description="for a conversation with pictures in it"
    )
    too_long: TooLong = Field(
        default="error", description="for a text that is longer than the model reads"
    )
    api_key: str | None = Field(default=None, description="sent as a bearer token")
    concurrency: int = Field(default=64, ge=1, description="requests in flight, at most")
    check_activation: bool = Field(
        default=True, description="refuse a server whose rewards may be behind a sigmoid"
    )
    trust_remote_code: bool = Field(
        default=False, description="whether code that came with the tokenizer may run"
    )
