"""`bestofn config`: a file of settings begun, checked, and shown with where each value is from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bestofn.cli.options import ConfigOption, JsonOption, at_home
from bestofn.cli.running import exit_codes

if TYPE_CHECKING:
    from bestofn.settings.listing import Setting
    from bestofn.settings.settings import Settings

group = typer.Typer(help="Begin, check and show a file of settings.", no_args_is_help=True)


@group.command()
def init(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Where it is written; without: printed.", show_default=False, parser=at_home
        ),
    ] = None,
) -> None:
    """Write a file of every setting, with its default and what it is for, all commented out.

    bestofn config init bestofn.yaml
    """
    text = "".join(f"{line}\n" for line in _begun())
    with exit_codes():
        if file is None:
            typer.echo(text, nl=False)
        else:
            _write_new(file, text)
            typer.echo(f"{file}: written; take the # from what is to be changed")


def _write_new(file: Path, text: str) -> None:
    """Write a file that is not there.

    Raises:
        ConfigError: it is there, and stays as it is; or it cannot be written.
    """
    from bestofn.core.errors import ConfigError

    try:
        with file.open("x", encoding="utf-8") as opened:
            try:
                opened.write(text)
                opened.flush()
            except OSError:
                file.unlink()  # half of it would keep the next one out
                raise
    except FileExistsError as error:
        raise ConfigError(f"{file}: it exists, and is left as it is: name another file") from error
    except OSError as error:
        raise ConfigError(f"{file}: it cannot be written: {error.strerror}") from error


def _begun() -> Iterator[str]:
    """The lines of a file of every setting."""
    from bestofn.settings.listing import SECTIONS, all_settings

    yield "## Settings of bestofn: take the # from a line, and from its section's, to change"
    yield "## it. Flags and variables win over this file; `bestofn config show` says which."
    opened = ""
    # A section's own settings before its sections: behind one they would look like its own.
    sections = list(SECTIONS)

    def place(setting: Setting) -> tuple[int, int]:
        section = setting.name.rpartition(".")[0]
        return (sections.index(section.partition(".")[0]) if section else -1, section.count("."))

    for setting in sorted(all_settings(), key=place):
        section, _, name = setting.name.rpartition(".")
        if section != opened:
            depth = "  " * section.count(".")
            yield f"\n## {SECTIONS[section]}\n# {depth}{section.rpartition('.')[2]}:"
            opened = section
        depth = "  " * (section.count(".") + 1 if section else 0)
        yield f"\n## {depth}{setting.description} ({setting.type})"
        yield f"# {depth}{name}: {setting.default}"


@group.command()
def check(
    file: Annotated[
        Path, typer.Argument(help="The file of settings.", show_default=False, parser=at_home)
    ],
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong with a file: the line, the key, and what to write. No model is loaded."""
    with exit_codes():
        problems = list(_problems(file))
        if as_json:
            told = [{"line": line, "key": key, "message": said} for line, key, said in problems]
            typer.echo(json.dumps(told, ensure_ascii=False))
        for line, key, said in [] if as_json else problems:
            typer.echo(f"{file}:{line}: {key}: {said}", err=True)
        if problems:
            raise typer.Exit(2)
        if not as_json:
            typer.echo(f"{file}: nothing is wrong with it")


@group.command()
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show every setting that is not as by default, and where its value is from."""
    with exit_codes():
        from bestofn.settings.settings import Settings

        rows = list(_origins(Settings.load(config), config))
        if as_json:
            told = {key: {"value": value, "from": origin} for key, value, origin in rows}
            typer.echo(json.dumps(told, ensure_ascii=False))
            return
        for key, value, origin in rows:
            typer.echo(f"{key}: {json.dumps(value, ensure_ascii=False)}    # {origin}")
        if not rows:
            typer.echo("everything is as by default")


def _problems(file: Path) -> Iterator[tuple[int, str, str]]:
    from bestofn.builders.checking import contradictions
    from bestofn.settings.file_check import problems_of
    from bestofn.settings.settings import Settings
    from bestofn.settings.yaml_lines import Lines

    found = problems_of(file)
    yield from ((each.line, each.key, each.message) for each in found)
    if found:
        return
    lines = Lines.of(file.read_text(encoding="utf-8"))
    for key, error in contradictions(Settings.load(file)):
        yield lines.at(key), key, str(error).removeprefix(f"{key}: ")


def _origins(settings: Settings, file: Path | None) -> Iterator[tuple[str, Any, str]]:
    """(dotted key, value as JSON has it, where it is from) of what was given."""
    from bestofn.dataset.store.configuration import without_secrets
    from bestofn.settings.variables import variable_of
    from bestofn.settings.yaml_lines import Lines

    lines = Lines({}, ())
    if file is not None:
        lines = Lines.of(file.expanduser().read_text(encoding="utf-8"))
    given = settings.model_dump(mode="json", exclude_unset=True)
    for key, value in _leaves(without_secrets(given), ""):
        variable = variable_of(key)
        if variable is not None:
            yield key, value, variable
        else:
            yield key, value, f"{file}:{lines.at(key)}"


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _leaves(each, f"{path}.{name}" if path else name)
    elif path:
        yield path, value
