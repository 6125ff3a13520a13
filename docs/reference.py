"""The site's reference pages, made from the code whenever it is built (an mkdocs hook).

    .venv/bin/mkdocs build --strict

A page is a function that yields Markdown; nothing of it is kept by hand, so it cannot be stale.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import click
import typer.main
from mkdocs.structure.files import File, Files
from prometheus_client import CollectorRegistry

import bestofn
from bestofn.builders.choosing import ANSWER_KEYS, SELECTORS
from bestofn.builders.pipeline import FILTERS
from bestofn.builders.stopping import RULES as STOP_RULES
from bestofn.cli import app
from bestofn.core.no_winner import (
    ControllerError,
    DeadlineError,
    NothingAcceptableError,
    RewardError,
)
from bestofn.filters.truncation.rules import RULES as TRUNCATION_RULES
from bestofn.settings.listing import SECTIONS, all_settings
from bestofn.settings.server_limits import KeyLimits
from bestofn.settings.settings import Settings
from bestofn.support.import_path import imported
from bestofn_server.admission import Admission
from bestofn_server.errors import ApiError, EngineError, describe
from bestofn_server.telemetry.metrics import Metrics


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table in Markdown; cells are escaped."""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield "| " + " | ".join(_cell(each) for each in row) + " |"
    yield ""


def code(text: object) -> str:
    """`text` as code, on one line."""
    flat = " ".join(str(text).split())
    return f"`` {flat} ``" if "`" in flat else f"`{flat}`" if flat else ""


def settings_page() -> Iterator[str]:
    """Every setting of the file, with type, default and purpose."""
    yield "# Settings\n"
    yield "A YAML file (`--config`), weaker than the environment (`BESTOFN_BEST_OF=16`,"
    yield "`BESTOFN_SERVER__PORT=80`), weaker than flags, weaker than the request."
    yield "`bestofn config init` prints this page as a file, `bestofn config check FILE` checks"
    yield "one.\n"
    shown: dict[str, list[Sequence[object]]] = {"": []}
    for setting in all_settings():
        section, _, name = setting.name.rpartition(".")
        row = (code(name), setting.type, code(setting.default), setting.description)
        shown.setdefault(section, []).append(row)
    for section, rows in shown.items():
        if section:
            yield f"## {code(section)}\n\n{SECTIONS[section]}\n"
        yield from table(("setting", "type", "default", "what it is for"), rows)


def commands_page() -> Iterator[str]:
    """Every command with its flags, from the parser itself."""
    yield "# Commands\n"
    root: Any = typer.main.get_command(app)
    yield from _commands(root, "bestofn")


def _commands(group: Any, prefix: str) -> Iterator[str]:
    for name, command in group.commands.items():
        path = f"{prefix} {name}"
        if hasattr(command, "commands"):
            yield from _commands(command, path)
            continue
        yield f"## {code(path)}\n\n{inspect.cleandoc(command.help or '')}\n"
        context = click.Context(command, info_name=path)
        rows = []
        for parameter in command.get_params(context):
            flags = ", ".join(parameter.opts) if parameter.param_type_name == "option" else ""
            said = getattr(parameter, "help", None) or ""
            rows.append((code(flags or parameter.name.upper()), said.replace("\\[", "[")))
        yield from table(("flag", "what it is for"), rows)


def filters_page() -> Iterator[str]:
    """Every filter, and the rules of truncation with their measured precision."""
    yield "# Filters\n"
    active = {spec.name for spec in Settings().filters}
    for name, path in FILTERS.items():
        made = imported(path)
        on = "on by default" if name in active else "off by default"
        yield f"## {code(name)}\n\n*{on}*\n\n{_documented(made)}\n"
        if name == "truncation":
            yield "Its rules, from top to bottom; precision is the share of what a rule took on"
            yield "real outputs that a person read as cut"
            yield "(`python -m benchmarks.real_outputs FILE`).\n"
            yield from table(
                ("rule", "reason", "looks at", "evidence", "precision", "takes", "leaves"),
                (
                    (
                        code(rule.name),
                        code(rule.reason),
                        ", ".join(rule.applies),
                        "certain" if rule.certain else "suspicion",
                        "{1} of {0}".format(*rule.precision) if rule.precision else "not met",
                        code(rule.takes),
                        code(rule.leaves),
                    )
                    for rule in TRUNCATION_RULES
                ),
            )


def choosing_page() -> Iterator[str]:
    """Every selector, answer key and rule that stops."""
    yield "# Choosing and stopping\n\n## Selectors\n"
    yield from _named(SELECTORS)
    yield "## Answer keys\n"
    yield from _named(ANSWER_KEYS)
    yield "## Rules that stop\n"
    options = [each for each in all_settings() if each.name.startswith("stop.")]
    yield f"{', '.join(code(name) for name in STOP_RULES)}; their options:\n"
    rows = ((code(each.name), each.type, code(each.default), each.description) for each in options)
    yield from table(("option", "type", "default", "what it is for"), rows)


def _named(paths: Mapping[str, str]) -> Iterator[str]:
    for name, path in paths.items():
        yield f"### {code(name)}\n\n{_documented(imported(path))}\n"


def errors_page() -> Iterator[str]:
    """What the server says of each error, by status: from the classes, and from what tells them."""
    yield "# Errors\n"
    yield "Always OpenAI's envelope: `error` with `message`, `type`, `param` and `code`; below"
    yield "`/v1/messages` Anthropic's.\n"
    rows = sorted(set(_errors()))
    yield from table(
        ("status", "code", "type", "when"),
        ((status, code(name), code(kind), when) for status, name, kind, when in rows),
    )


def _errors() -> Iterator[tuple[int, str, str, str]]:
    """(status, code, type, when) of every error that a client may get."""
    for each in _below(ApiError):
        if each is not EngineError:
            yield each.status, each.code or "invalid_value", each.type, _summary(each)
    told: list[Exception] = [EngineError("", status=status) for status in (500, 502, 503)]
    told += [NothingAcceptableError(""), DeadlineError(""), ControllerError(""), RewardError("")]
    for error in told:
        status, body, _ = describe(error)
        yield status, body.code or "", body.type, _summary(type(error))
    status, body, _ = describe(TimeoutError())
    yield status, body.code or "", body.type, body.message.capitalize()


def metrics_page() -> Iterator[str]:
    """Every metric that bestofn itself has, from a registry of one server."""
    yield "# Metrics\n\nPrometheus' text format under `/metrics`; vLLM's own stand beside them.\n"
    registry = CollectorRegistry()
    Metrics(registry, Admission(1, KeyLimits(), {}))
    families = sorted(registry.collect(), key=lambda family: family.name)
    rows = ((code(each.name), each.type, each.documentation) for each in families)
    yield from table(("metric", "type", "what it counts"), rows)


def python_page() -> Iterator[str]:
    """What `bestofn` exports."""
    yield "# Python\n"
    for name in sorted(bestofn.__all__):
        if not name.startswith("_"):
            yield f"::: bestofn.{name}\n"


PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "reference/settings.md": settings_page,
    "reference/commands.md": commands_page,
    "reference/filters.md": filters_page,
    "reference/choosing.md": choosing_page,
    "reference/errors.md": errors_page,
    "reference/metrics.md": metrics_page,
    "reference/python.md": python_page,
}


def _below(base: type[ApiError]) -> Iterator[type[ApiError]]:
    for each in base.__subclasses__():
        yield each
        yield from _below(each)


def _documented(made: Any) -> str:
    """A docstring's text without its sections, which belong to Python."""
    text = inspect.getdoc(made) or ""
    for section in ("\n\nArgs:", "\n\nRaises:", "\n\nExample", "\n\nAttributes:"):
        text = text.partition(section)[0]
    return text.replace("``", "`")


def _summary(made: Any) -> str:
    return _documented(made).partition("\n\n")[0].rstrip(".")


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def on_files(files: Files, config: Any) -> Files:
    """Give every page to the site that is being built."""
    for path, page in PAGES.items():
        files.append(File.generated(config, path, content="\n".join(page())))
    return files
