"""Two replicas on a local Ray Serve, the openai client before them; one of them dies."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest

from bestofn import Settings
from tests.support.documented import documented_commands

ray = pytest.importorskip("ray")

pytestmark = [
    pytest.mark.ray,
    pytest.mark.alone,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    from ray import serve

    from bestofn_server.ray_serve import Arguments, deployed

    # a proxy that takes long to start on a busy machine is not restarted
    patience = {
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "120",
        "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "120",
    }
    os.environ.update(patience)
    ray.init(
        num_cpus=4,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        runtime_env={"env_vars": {"PYTHONPATH": str(Path.cwd()), **patience}},
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    settings = Settings(engine="transformers", best_of=2, max_tokens=24)
    serve.run(deployed(settings, Arguments(replicas=2, cpus=1)), name="bestofn", route_prefix="/")
    yield f"http://127.0.0.1:{port}/v1"
    serve.shutdown()  # type: ignore[no-untyped-call]
    ray.shutdown()


def _replicas() -> list[int]:
    """The processes, by the names that Ray gives them."""
    found = psutil.process_iter(["cmdline"])
    return [
        each.pid
        for each in found
        if each.info["cmdline"] and each.info["cmdline"][0].startswith("ray::ServeReplica:bestofn")
    ]


@pytest.mark.parametrize(
    "line", sorted({each.line for each in documented_commands() if "serve run" in each.line})
)
def test_the_documented_command_is_read_by_serve_itself(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray._common.utils import import_attr
    from ray.serve._private.api import call_user_app_builder_with_args_if_necessary
    from ray.serve.scripts import convert_args_to_dict

    monkeypatch.chdir(tmp_path)
    (tmp_path / "bestofn.yaml").write_text("engine: transformers\nbest_of: 2\n")
    _, _, path, *arguments = shlex.split(line)
    read: Any = convert_args_to_dict
    given = read(tuple(arguments))
    built = call_user_app_builder_with_args_if_necessary(import_attr(path), given)
    deployment: Any = built._bound_deployment
    assert deployment.name == "bestofn"
    assert deployment.num_replicas == int(given["replicas"])
    gpus = deployment.ray_actor_options["num_gpus"]
    assert gpus == float(given.get("gpus", 0))


def test_one_endpoint_that_outlives_a_replica(endpoint: str) -> None:
    client = openai.OpenAI(base_url=endpoint, api_key="none", max_retries=4, timeout=60)

    model = client.models.list().data[0].id

    def answer(seed: int) -> str | None:
        asked = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "What is 8 - 5?"}], seed=seed
        )
        return asked.choices[0].message.content

    assert all(answer(seed) for seed in range(6))
    replicas = _replicas()
    assert len(replicas) == 2
    os.kill(replicas[0], signal.SIGKILL)
    for seed in range(12):
        assert answer(seed)
        time.sleep(0.2)
