"""Flags that several commands have, and the settings that they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bestofn.settings.choices import Engine

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="YAML file of settings; flags win over it.")
]
RewardModelOption = Annotated[
    str | None,
    typer.Option(
        help="Folder, hub name or URL of a server that scores; `none` only filters. Without: the "
        "embedded one."
    ),
]
TrustOption = Annotated[
    bool | None,
    typer.Option(
        "--trust-remote-code",
        help="Let the reward model's checkpoint run its own code.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show what the engines log.")]
ModelOption = Annotated[
    str | None, typer.Option(help="Folder or hub name. Without: the embedded one.")
]
UpstreamOption = Annotated[
    list[str] | None,
    typer.Option(
        help="URL of an OpenAI-compatible server, to sample there; given again, one that is asked "
        "where those before fail."
    ),
]
TemperatureOption = Annotated[
    float | None, typer.Option(min=0, max=2, help="Without: the model's own.")
]
MaxTokensOption = Annotated[
    int | None, typer.Option(min=1, help="Per candidate. Without: the model's own limit.")
]
BestOfOption = Annotated[int | None, typer.Option(min=1, help="How many to sample. [8]")]
EngineOption = Annotated[
    Engine | None, typer.Option(help="What samples. \\[vllm where it is installed]")
]


def trusting(given: bool | None) -> dict[str, bool] | None:
    """The section `reward` that `--trust-remote-code` stands for."""
    return {"trust_remote_code": True} if given else None
