"""Flags that several commands have, and the settings that they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from bestofn.core.errors import ConfigError
from bestofn.settings.choices import AskEngine, Engine
from bestofn.settings.yaml_values import told, written
from bestofn.support.error_text import shortened
from bestofn.support.plain_json import is_text

if TYPE_CHECKING:
    from bestofn.settings.settings import Settings


def at_home(path: str) -> Path:
    """A path whose ``~`` is the user's folder, which a shell leaves alone in ``--output=~/run``.

    Raises:
        typer.BadParameter: it is empty, as ``"$OUT"`` is without such a variable, which would be
            the current folder; it is no UTF-8, which neither JSON nor Parquet can hold; or there is
            no such user.
    """
    if not path:
        raise typer.BadParameter("it is empty: name a file or a folder")
    if not is_text(path):
        raise typer.BadParameter("its name is no UTF-8: rename it")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise typer.BadParameter("it begins with ~ and a user who has no home here") from error


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="BESTOFN_CONFIG",
        metavar="FILE",
        help="YAML file of settings; flags win over it.",
        parser=at_home,
    ),
]
RewardModelOption = Annotated[
    str | None,
    typer.Option(
        help="Folder, hub name or URL of a server that scores; `none`: nothing does. Without: the "
        "embedded one, for the embedded generator alone."
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
UnsafeCodeOption = Annotated[
    bool | None,
    typer.Option(
        "--unsafe-code",
        help="Let the code verifier run programs where nothing keeps them from this machine's "
        "files.",
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
GeneratorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--generator",
        metavar="NAME",
        help="One of several that share the candidates, instead of --model and --upstream: "
        "'name=large model=M upstream=URL share=2'; several times.",
    ),
]
TemperatureOption = Annotated[
    float | None, typer.Option(min=0, max=2, help="Without: the model's own.")
]
RequestTimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--request-timeout",
        min=0.001,
        metavar="SECONDS",
        help="Within which a prompt is done, or fails. \\[1800]",
    ),
]
MaxTokensOption = Annotated[
    int | None, typer.Option(min=1, help="Per candidate. Without: the model's own limit.")
]
BestOfOption = Annotated[int | None, typer.Option(min=1, help="How many to sample. [8]")]
StopOption = Annotated[
    str | None,
    typer.Option(
        help="When sampling ends early: auto, agreement, evidence, plateau, expected_gain, or with "
        "options: 'accepted count=6', 'agreement votes=3 waves=2'.",
        show_default=False,
    ),
]
GrowOption = Annotated[
    float | None,
    typer.Option(
        min=1,
        help="Where all were rejected and some cut at their limit: so many times as many tokens in "
        "the next round. \\[1]",
    ),
]
EngineOption = Annotated[
    AskEngine | None, typer.Option(help="What samples. \\[vllm where it is installed]")
]
ServeEngineOption = Annotated[
    Engine | None,
    typer.Option(
        help="What samples; none: nothing, a reward server. \\[vllm where it is installed]"
    ),
]
ChatTemplateOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of the generator: ziya-13b, or a file of Jinja; for an upstream without one it is "
        "rendered here. Without: by the model's name.",
    ),
]
SelectorOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Which candidate wins: argmax, vote, weighted_vote, consensus, ..., or "
        "'{weighted_vote: {temperature: 0.5}}'. \\[auto]",
    ),
]
AnswerKeyOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What of an answer is voted on: number, choice, json, ..., or "
        "'{pattern: {pattern: \"Answer: (.*)\"}}'. \\[auto]",
    ),
]


def named(given: str | None) -> Any:
    """What a flag stands for that takes a name, or a name with options as YAML.

    Raises:
        ConfigError: it begins as YAML and is none.
    """
    if given is None or not given.lstrip().startswith("{"):
        return given
    try:
        return written(given)
    except yaml.YAMLError as error:
        raise ConfigError(f"{shortened(given)}: {told(error)}") from error


def section_of(**flags: Any) -> dict[str, Any] | None:
    """The section of the settings that these flags stand for; None: none of them was given."""
    said = {name: value for name, value in flags.items() if value is not None}
    return said or None


def trusting(given: bool | None) -> dict[str, bool] | None:
    """The section `reward` that `--trust-remote-code` stands for."""
    return {"trust_remote_code": True} if given else None


def check_stopping(settings: Settings) -> None:
    """Refuse, before a model is loaded, stopping rules that could never stop.

    Raises:
        ConfigError: one, or that of a profile, wants more accepted candidates than are sampled.
    """
    from bestofn.builders.stopping import require_candidates

    require_candidates(settings.stop, settings.best_of)
    for name, profile in settings.profiles.items():
        try:
            require_candidates(profile.stop or settings.stop, profile.best_of or settings.best_of)
        except ConfigError as error:
            raise ConfigError(f"profile {name}: {error}") from error


def check_served(settings: Settings) -> None:
    """Refuse, before a model is loaded, settings that a server could not be started with.

    Raises:
        ConfigError: it names each key and what is wrong there.
    """
    from bestofn.builders.checking import contradictions

    wrong = [
        f"{key}: {str(error).removeprefix(f'{key}: ')}"
        for key, error in contradictions(settings, served=True)
    ]
    if wrong:
        raise ConfigError("; ".join(wrong))
