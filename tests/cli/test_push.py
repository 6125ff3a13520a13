"""`--push-to-hub` against a server that plays the hub's part of the protocol."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.cli.conftest import Run
from tests.support import killed_run as killed
from tests.support.upstream import served

TOKEN = "hf_test"


@dataclass
class Hub:
    """What the hub answers, and what it was given.

    Attributes:
        made: the bodies of requests for a repository.
        files: by path, of all commits.
        status: of the answer to a commit.
    """

    made: list[dict[str, object]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    status: int = 200
    url: str = ""

    async def create(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": "Invalid username or password."}, 401)
        self.made.append(await request.json())
        return JSONResponse({"url": f"{self.url}/datasets/me/best"})

    async def validate(self, request: Request) -> Response:
        head = (await request.json())["content"].split("---")[1]
        assert yaml.safe_load(head)["tags"]
        return JSONResponse({"errors": [], "warnings": []})

    async def preupload(self, request: Request) -> Response:
        asked = (await request.json())["files"]
        modes = [
            {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False} for each in asked
        ]
        return JSONResponse({"files": modes})

    async def commit(self, request: Request) -> Response:
        if self.status != 200:
            return JSONResponse({"error": "the disk of the hub is full"}, self.status)
        for line in (await request.body()).splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                value = entry["value"]
                self.files[value["path"]] = base64.b64decode(value["content"])
        return JSONResponse(
            {
                "success": True,
                "commitOid": "c0ffee",
                "commitUrl": f"{self.url}/datasets/me/best/commit/c0ffee",
            }
        )

    async def info(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": "Repository not found"}, 401)
        siblings = [{"rfilename": path} for path in self.files]
        return JSONResponse({"id": "me/best", "sha": "0", "siblings": siblings})

    def environment(self, token: str = TOKEN) -> dict[str, str]:
        """Of a process that takes it for the hub."""
        return {"HF_ENDPOINT": self.url, "HF_TOKEN": token, "HF_HUB_OFFLINE": "0"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    of = "/api/datasets/me/best"
    routes = [
        Route("/api/repos/create", made.create, methods=["POST"]),
        Route("/api/validate-yaml", made.validate, methods=["POST"]),
        Route(of + "/preupload/main", made.preupload, methods=["POST"]),
        Route(of + "/commit/main", made.commit, methods=["POST"]),
        Route(of + "/revision/main", made.info),
        Route(of, made.info),
    ]
    with served(Starlette(routes=routes)) as made.url:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("run")
    killed.work(str(made))
    return made


def _export(folder: Path) -> list[str]:
    formats = ["--format", "sft", "--format", "dpo"]
    return ["export", str(folder), *formats, "--push-to-hub", "me/best"]


def test_formats_and_card_arrive(bestofn: Run, hub: Hub, folder: Path) -> None:
    done = bestofn(*_export(folder), "--private", environment=hub.environment())
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith(f"{hub.url}/datasets/me/best/commit/c0ffee\n")
    (made,) = hub.made
    assert made["name"] == "best"
    assert made.get("visibility", made.get("private")) in ("private", True)  # by client version
    assert sorted(hub.files) == ["README.md", "dpo/train.parquet", "sft/train.parquet"]
    for name, content in hub.files.items():
        assert content == (folder / name).read_bytes()
    head = yaml.safe_load(hub.files["README.md"].decode().split("---")[1])
    assert [each["config_name"] for each in head["configs"]] == ["sft", "dpo"]


def test_what_was_pushed_before_stays_on_the_card_and_nothing_else_is_pushed(
    bestofn: Run, hub: Hub, folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(folder, tmp_path / "run")
    hub.files["dpo/train.parquet"] = b"of another rule"
    assert bestofn("export", str(folder)).returncode == 0
    push = ["export", str(folder), "--format", "sft", "--push-to-hub", "me/best"]
    done = bestofn(*push, environment=hub.environment())
    assert done.returncode == 0, done.stderr
    assert sorted(hub.files) == ["README.md", "dpo/train.parquet", "sft/train.parquet"]
    assert hub.files["dpo/train.parquet"] == (folder / "dpo" / "train.parquet").read_bytes()
    named = [yaml.safe_load(card.split("---")[1])["configs"] for card in _cards(hub, folder)]
    assert [[each["config_name"] for each in configs] for configs in named] == [
        ["sft", "dpo"],
        ["sft", "dpo", "kto", "ranked", "candidates", "first", "random"],
    ]


def _cards(hub: Hub, folder: Path) -> list[str]:
    """That on the hub, and that of the folder."""
    return [hub.files["README.md"].decode(), (folder / "README.md").read_text(encoding="utf-8")]


def test_without_the_right_to_write_nothing_is_begun(
    bestofn: Run, hub: Hub, folder: Path, tmp_path: Path
) -> None:
    (prompts := tmp_path / "prompts.jsonl").write_text('{"prompt": "What is 1 + 1?"}\n')
    run = ["sample", str(prompts), "--output", str(tmp_path / "new"), "--push-to-hub", "me/best"]
    done = bestofn(*run, environment=hub.environment("hf_wrong"))
    assert done.returncode == 2
    assert "me/best: the hub does not let you write there" in done.stderr
    assert not (tmp_path / "new").exists()


def test_what_the_hub_does_not_take_stays_here(bestofn: Run, hub: Hub, folder: Path) -> None:
    hub.status = 507
    done = bestofn(*_export(folder), environment=hub.environment())
    assert done.returncode == 1
    assert "me/best: the hub refused: " in done.stderr
    assert (folder / "dpo" / "train.parquet").is_file()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--push-to-hub", "a b/c"], "a b/c names no dataset"),
        (["--private"], "--private is for --push-to-hub"),
    ],
)
def test_wrong_flags(bestofn: Run, hub: Hub, folder: Path, flags: list[str], said: str) -> None:
    done = bestofn("export", str(folder), *flags, environment=hub.environment())
    assert done.returncode == 2
    assert said in done.stderr


def test_no_hub(bestofn: Run, folder: Path) -> None:
    done = bestofn(*_export(folder), environment=Hub(url="http://127.0.0.1:9").environment())
    assert done.returncode == 1
    assert "me/best cannot be reached: ConnectError" in done.stderr
