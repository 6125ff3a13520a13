"""LiteLLM's proxy in front of the server, asked by the `openai` and `anthropic` clients."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest

URL = os.environ["BESTOFN_URL"]
ANSWER = os.environ["BESTOFN_ANSWER"]
ASK: Any = [{"role": "user", "content": "What is 2 + 2?"}]
SCHEMA: Any = {"type": "object", "properties": {"input": {"type": "integer"}}}
MODELS = ("chat", "claude")
KEY = "sk-of-the-proxy"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The proxy's address; it has a model over chat completions, and one over messages."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    chat: dict[str, object] = {
        "model": "openai/scripted",
        "api_base": f"{URL}/v1",
        "extra_body": {"best_of": 3},
    }
    claude: dict[str, object] = {"model": "anthropic/scripted", "api_base": URL}
    models = [
        {"model_name": name, "litellm_params": {**params, "api_key": "secret"}}
        for name, params in zip(MODELS, (chat, claude), strict=True)
    ]
    config = tmp_path_factory.mktemp("proxy") / "config.yaml"
    config.write_text(json.dumps({"model_list": models}))
    command = [str(Path(sys.executable).with_name("litellm"))]
    flags = [f"--config={config}", f"--port={port}", "--host=127.0.0.1", "--telemetry=False"]
    environment = {
        **os.environ,
        "LITELLM_MASTER_KEY": KEY,  # without one it does not start
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks the network first
    }
    with subprocess.Popen(command + flags, stdout=subprocess.DEVNULL, env=environment) as process:
        url = f"http://127.0.0.1:{port}"
        while process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{url}/health/liveliness").raise_for_status()
                break
            time.sleep(0.2)
        assert process.poll() is None
        yield url
        process.terminate()


@pytest.fixture
def gpt(proxy: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{proxy}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def claude(proxy: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=proxy, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("model", MODELS)
def test_chat_whole(gpt: openai.OpenAI, model: str) -> None:
    answer = gpt.chat.completions.create(model=model, messages=ASK, max_tokens=64)
    assert answer.choices[0].message.content == ANSWER
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("model", MODELS)
def test_chat_streamed(gpt: openai.OpenAI, model: str) -> None:
    asked: Any = {"model": model, "messages": ASK, "max_tokens": 64, "stream": True}
    chunks = list(gpt.chat.completions.create(**asked))
    said = [each.choices[0].delta.content or "" for each in chunks if each.choices]
    assert "".join(said) == ANSWER


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_is_called(gpt: openai.OpenAI, model: str, stream: bool) -> None:
    tool = {"type": "function", "function": {"name": "magic", "parameters": SCHEMA}}
    asked: Any = {"model": model, "messages": ASK, "max_tokens": 64, "tools": [tool]}
    if stream:
        with gpt.chat.completions.stream(**asked) as events:
            message: Any = events.get_final_completion().choices[0].message
    else:
        message = gpt.chat.completions.create(**asked).choices[0].message
    assert json.loads(message.tool_calls[0].function.arguments) == {"input": 2}


def test_the_report_and_best_of_pass(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(model="chat", messages=ASK, max_tokens=64)
    report = (answer.model_extra or {}).get("bestofn")
    assert report is None or report["sampled"] == 3


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True])
def test_responses(gpt: openai.OpenAI, model: str, stream: bool) -> None:
    if stream:
        with gpt.responses.stream(model=model, input="What is 2 + 2?") as events:
            assert events.get_final_response().output_text == ANSWER
    else:
        assert gpt.responses.create(model=model, input="What is 2 + 2?").output_text == ANSWER


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True])
def test_messages(claude: anthropic.Anthropic, model: str, stream: bool) -> None:
    asked: Any = {"model": model, "messages": ASK, "max_tokens": 64}
    if stream:
        with claude.messages.stream(**asked) as events:
            message = events.get_final_message()
    else:
        message = claude.messages.create(**asked)
    assert "".join(getattr(block, "text", "") for block in message.content) == ANSWER


def test_an_error_stays_an_error(gpt: openai.OpenAI) -> None:
    wrong: Any = {"model": "chat", "messages": ASK, "extra_body": {"bestofn": {"colour": 1}}}
    with pytest.raises(openai.BadRequestError, match="colour"):
        gpt.chat.completions.create(**wrong)
