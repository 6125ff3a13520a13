"""Coding agents of the npm registry: how each is told of a server, and run without a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODEL = "scripted"
KEY = "secret"
FILE = "notes.txt"
WRITTEN = "four\n"
PROMPT = f"Write four into {FILE}"


@dataclass(frozen=True, slots=True)
class CodingAgent:
    """One of them.

    Args:
        command: what it is called.
        package: its name in the registry.
        path: of the API that it speaks.
        calls: what the model has to call so that the file is edited, by the tool's name, in the
            folder that it is given.
        arguments: of the command, by the server's address.
        files: it reads, by their place in its home.
    """

    command: str
    package: str
    path: str
    calls: Callable[[Path], Mapping[str, Any]]
    arguments: Callable[[str], Sequence[str]]
    files: Callable[[str], Mapping[str, str]] = lambda url: {}

    @property
    def found(self) -> str | None:
        """Where it is, in $BESTOFN_AGENTS before $PATH."""
        places = [os.environ.get("BESTOFN_AGENTS", ""), os.environ.get("PATH", "")]
        return shutil.which(self.command, path=os.pathsep.join(places))

    async def run(self, url: str, home: Path, work: Path) -> tuple[int, str]:
        """Ask it for the edit of `FILE` in `work`; its exit code, and all that it printed."""
        assert self.found is not None
        for name, text in self.files(url).items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        process = await asyncio.create_subprocess_exec(
            self.found,
            *self.arguments(url),
            PROMPT,
            cwd=work,
            env=_environment(url, home),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), 150)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, said.decode(errors="replace")


def _environment(url: str, home: Path) -> dict[str, str]:
    """A home of its own, and no other server than this one: whatever else it asks is not there."""
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CODEX_HOME": str(home),
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1",
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
    }


def _codex(url: str) -> Sequence[str]:
    provider = f'{{name="bestofn",base_url="{url}/v1",env_key="OPENAI_API_KEY"}}'
    settings = ("model_provider=bestofn", f"model_providers.bestofn={provider}")
    return (
        *("exec", "--skip-git-repo-check", "--ephemeral", "--json", "-m", MODEL),
        "--dangerously-bypass-approvals-and-sandbox",
        *(part for setting in settings for part in ("-c", setting)),
    )


def _opencode(url: str) -> Mapping[str, str]:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{url}/v1", "apiKey": KEY},
        "models": {MODEL: {}},
    }
    settings = {"share": "disabled", "autoupdate": False, "provider": {"bestofn": provider}}
    return {".config/opencode/opencode.json": json.dumps(settings)}


CODING_AGENTS = (
    CodingAgent(
        "codex",
        "@openai/codex",
        "/v1/responses",
        lambda work: {"exec_command": {"cmd": f"echo four > {FILE}"}},
        _codex,
    ),
    CodingAgent(
        "qwen",
        "@qwen-code/qwen-code",
        "/v1/chat/completions",
        lambda work: {"write_file": {"file_path": str(work / FILE), "content": WRITTEN}},
        lambda url: ("--auth-type", "openai", "-m", MODEL, "--yolo"),
    ),
    CodingAgent(
        "opencode",
        "opencode-ai",
        "/v1/chat/completions",
        lambda work: {"write": {"filePath": str(work / FILE), "content": WRITTEN}},
        lambda url: ("run", "--auto", "-m", f"bestofn/{MODEL}"),
        _opencode,
    ),
)
