"""`bestofn plan` as a user runs it: a folder or a hub name, headers alone, no weights."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse

from tests.cli.conftest import Run
from tests.support.serving import serving
from tests.support.sparse_checkpoints import LLAMA_3_8B, LLAMA_7B_REWARD, tensors_of, write

pytestmark = pytest.mark.model  # processes of their own


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("pair")
    generator = write(folder / "llama", LLAMA_3_8B, tensors_of(LLAMA_3_8B, "BF16"), shards=4)
    reward = write(folder / "reward", LLAMA_7B_REWARD, tensors_of(LLAMA_7B_REWARD, "F32"))
    return str(generator), str(reward)


@pytest.mark.slow
def test_the_table_and_the_flags(bestofn: Run, pair: tuple[str, str]) -> None:
    generator, reward = pair
    named = ("plan", "--model", generator, "--reward-model", reward, "--gpu-memory", "80GiB")
    done = bestofn(*named, "--best-of", "16")
    assert (done.returncode, done.stderr) == (0, "")
    for expected in ("15.0 GiB", "12.3 GiB", "128.0 KiB each", "--gpu-memory-utilization=0."):
        assert expected in done.stdout
    said = json.loads(bestofn(*named, "--json", "--kv-cache-dtype", "fp8").stdout)
    assert said["kv_bytes_per_token"] == 65_536
    assert sum(part["bytes"] for part in said["parts"]) == said["gpu_memory"] == 80 * 2**30
    assert said["engine_flags"][-1] == "--kv-cache-dtype=fp8"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--gpu-memory", "24GiB"], "What would fit: the reward model in 4bit"),
        (["--gpu-memory", "24"], "--gpu-memory 24 is 24 bytes: write 24GiB"),
        (["--gpu-memory", "large"], "--gpu-memory large is no size: write 24GiB"),
        ([], "there is no GPU here: give --gpu-memory"),
        (["--gpu-memory", "80GiB", "--max-model-len", "200000"], "131,072 tokens at most"),
        (["--gpu-memory", "80GiB", "--model", "/no/such"], "/no/such does not exist"),
    ],
)
def test_what_does_not_fit_or_is_wrong_is_one_sentence(
    bestofn_here: Run, pair: tuple[str, str], arguments: list[str], sentence: str
) -> None:
    generator, reward = pair
    done = bestofn_here("plan", "--model", generator, "--reward-model", reward, *arguments)
    assert done.returncode in (1, 2)
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_the_embedded_pair_without_arguments(bestofn_here: Run) -> None:
    said = json.loads(bestofn_here("plan", "--gpu-memory", "4GiB", "--json").stdout)
    assert said["max_model_len"] == 1024
    assert said["candidates_of_one_prompt"] > 8


@pytest.mark.slow
async def test_hub_names_cost_headers_only(
    bestofn: Run, tmp_path: Path, pair: tuple[str, str]
) -> None:
    sent: list[int] = []
    here = {"HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path)}
    memory = ("--gpu-memory", "80GiB", "--json")
    async with serving(_hub(Path(pair[0]).parent, Path(pair[1]).parent, sent=sent)) as url:
        named = ("plan", "--model", "org/llama", "--reward-model", "org/reward", *memory)
        done = await asyncio.to_thread(bestofn, *named, environment={"HF_ENDPOINT": url, **here})
        absent = ("plan", "--model", "org/nothing", "--reward-model", "none", *memory)
        gone = await asyncio.to_thread(bestofn, *absent, environment={"HF_ENDPOINT": url, **here})
    assert done.returncode == 0, done.stderr
    local = bestofn("plan", "--model", pair[0], "--reward-model", pair[1], *memory)
    assert json.loads(done.stdout)["kv_tokens"] == json.loads(local.stdout)["kv_tokens"]
    assert 0 < sum(sent) < 2**20  # of 43 GB
    assert gone.returncode == 2
    assert "org/nothing is neither a folder nor a model on the hub" in gone.stderr


def _hub(*folders: Path, sent: list[int]) -> FastAPI:
    """What the hub serves of a repository's files, with how many bytes it has sent."""
    app = FastAPI()

    @app.api_route("/{owner}/{name}/resolve/main/{file}", methods=["GET", "HEAD"])
    async def resolve(name: str, file: str, request: Request) -> Response:
        found = [folder / name for folder in folders if (folder / name).is_dir()]
        if not found:
            return Response(status_code=404, headers={"X-Error-Code": "RepoNotFound"})
        if not (found[0] / file).is_file():
            return Response(status_code=404, headers={"X-Error-Code": "EntryNotFound"})
        size = (found[0] / file).stat().st_size
        first, _, last = request.headers.get("range", f"bytes=0-{size - 1}")[6:].partition("-")
        if request.method == "GET":
            sent.append(min(int(last), size - 1) - int(first) + 1)
        return FileResponse(found[0] / file, headers={"X-Repo-Commit": "0" * 40})

    return app
