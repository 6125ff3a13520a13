"""Every command line of the documentation is taken as it is written.

Here each is read by the program that it names; `tests/cli/test_documented_runs.py` runs those of
bestofn's own that end, on stand-ins for the models and servers that they name, and
`tests/server/test_ray_serve.py` hands Ray Serve's to Serve.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import click
import pytest
import typer.main

from bestofn.cli import app
from tests.support.documented import (
    ROOT,
    Documented,
    documented_blocks,
    documented_commands,
)

COMMANDS = documented_commands()


def _words(line: str) -> list[str]:
    """The words of a command line, without variables before it; what stands in brackets may be
    left out, and of alternatives the first is taken."""
    line = re.sub(r"\[--(?: any [^\]]*)\]", "-- --max-model-len=64", line)
    line = re.sub(r"(\S+) \| \S+", r"\1", line).replace("[", "").replace("]", "")
    words = shlex.split(line)
    return words[next(at for at, word in enumerate(words) if not re.match(r"[A-Z_]+=", word)) :]


def _bestofn(words: list[str]) -> None:
    """Parsed by the command's own parser, which refuses an unknown flag or a missing argument."""
    root: Any = typer.main.get_command(app)
    given = words[1:] if words[0].endswith("bestofn") else words[3:]
    if not given:  # python -m bestofn
        return
    name, *arguments = given
    if "&&" in arguments:
        arguments = arguments[: arguments.index("&&")]
    command = root.get_command(click.Context(root), name)
    assert command is not None, name
    command.make_context(name, arguments)


def _make(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in words[1:]:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target


def _python(words: list[str]) -> None:
    """The module is there, and its source names every flag."""
    if words[1] != "-m":
        compile(words[2], "<command>", "exec")
        return
    root = ROOT / "server" if words[2].startswith("bestofn_server.") else ROOT
    path = root / words[2].replace(".", "/")
    if words[2] == "benchmarks.NAME":
        return
    sources = [path.with_suffix(".py")] if path.with_suffix(".py").is_file() else path.glob("*.py")
    text = "".join(source.read_text(encoding="utf-8") for source in sources)
    assert text, words[2]
    for flag in (word for word in words[3:] if word.startswith("--")):
        assert f'"{flag}"' in text or flag.strip("-").replace("-", "_") in text, flag


def _installed(words: list[str]) -> None:
    """A tool that is installed beside bestofn, for those who work on it."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tool = words[0].rpartition("/")[2]
    wanted = pyproject["project"]["optional-dependencies"].values()
    assert any(each.startswith(tool) for extra in wanted for each in extra), tool


def _serve_run(words: list[str]) -> None:
    """The application is there; what it is told are fields of its arguments."""
    module, _, name = words[2].partition(":")
    source = (ROOT / "server" / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert re.search(rf"^def {name}\(", source, re.MULTILINE)
    for word in words[3:]:
        key, equals, _ = word.partition("=")
        assert equals, word
        assert re.search(rf"^    {key}: ", source, re.MULTILINE), key


def _vllm_serve(words: list[str]) -> None:
    """The entry point that VLLM_PLUGINS names is bestofn's; the engine's tests start it so."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "bestofn" in pyproject["project"]["entry-points"]["vllm.endpoint_plugins"]
    assert len(words) == 3


READERS: Mapping[str, Callable[[list[str]], None]] = {
    r"(\S*/)?bestofn|python -m bestofn( |$)": _bestofn,
    r"make ": _make,
    r"(\S*/)?python ": _python,
    r"serve run": _serve_run,
    r"vllm serve": _vllm_serve,
    r"\.venv/bin/": _installed,
}


def test_the_documentation_has_commands() -> None:
    lines = [command.line for command in COMMANDS]
    assert len(lines) > 30
    for expected in (
        ".venv/bin/bestofn serve",
        "bestofn export run --format dpo --keep margin --value 0.5",
        "VLLM_PLUGINS=bestofn BESTOFN_CONFIG=bestofn.yaml vllm serve Qwen/Qwen3-8B",
        "serve run bestofn_server.ray_serve:application replicas=2 config=bestofn.yaml",
        "bestofn sample prompts.jsonl --output /shared/run --model Qwen/Qwen3-8B "
        "--reward-model Skywork/Skywork-Reward-V2-Qwen3-0.6B --best-of 16 --seed 1 "
        "--engine ray --ray-address auto --workers 1 --max-workers 4 --gpus-per-worker 1",
    ):
        assert expected in lines


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.where)
def test_a_documented_command_is_read_by_its_program(command: Documented) -> None:
    words = _words(command.line)
    line = " ".join(words)
    reader = next((read for pattern, read in READERS.items() if re.match(pattern, line)), None)
    assert reader is not None, f"{command.where}: nothing here reads {command.line}"
    reader(words)


@pytest.mark.parametrize("block", documented_blocks("python"), ids=lambda block: block.where)
def test_the_code_that_is_shown_compiles(block: Documented) -> None:
    compile(block.line, block.where, "exec")


@pytest.mark.parametrize("block", documented_blocks("sh"), ids=lambda block: block.where)
def test_a_shell_is_only_asked_to_call_the_server(block: Documented) -> None:
    """What the README's call answers is seen in tests/server/test_serve_command.py."""
    program, *arguments = shlex.split(block.line)
    assert program == "curl"
    assert isinstance(json.loads(arguments[arguments.index("-d") + 1]), dict)


def test_a_block_has_a_language_that_a_test_reads() -> None:
    languages = {
        found
        for path in [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
        for found in re.findall(r"^ *```(.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert languages <= {"yaml", "python", "sh"}
