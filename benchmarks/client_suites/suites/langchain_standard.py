"""LangChain's standard suite for its two clients, over each surface that they speak.

What it would fetch from other hosts to send along is made here.
"""

from __future__ import annotations

import os
from typing import Any

import httpx
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

URL = os.environ["BESTOFN_URL"]
COMMON = {"model": "scripted", "api_key": "secret", "max_retries": 0, "timeout": 60}
PICTURE = b"\x89PNG\r\n\x1a\n"
"""The first bytes of one: what is sent along is not looked at."""


@pytest.fixture(autouse=True)
def _fetched_from_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test fetches by itself; the clients ask by clients of their own."""

    def get(url: str, **options: Any) -> httpx.Response:
        return httpx.Response(200, content=PICTURE, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)


class TestChatOpenAI(ChatModelIntegrationTests):  # type: ignore[misc]
    """Over chat completions."""

    @property
    def chat_model_class(self) -> Any:
        """The client."""
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """Where the server is."""
        return {**COMMON, "base_url": f"{URL}/v1", "stream_usage": True}

    @property
    def supports_json_mode(self) -> bool:
        """It has response_format."""
        return True

    @property
    def supports_image_inputs(self) -> bool:
        """Pictures go to the engine as they are."""
        return True

    @property
    def supports_image_urls(self) -> bool:
        """So do their addresses."""
        return True

    @property
    def model_override_value(self) -> str:
        """Another model of the server: a profile."""
        return "model"


class TestChatOpenAIResponses(TestChatOpenAI):
    """Over /v1/responses."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """Where the server is."""
        return {**super().chat_model_params, "use_responses_api": True}

    @property
    def supports_image_tool_message(self) -> bool:
        """A tool may return a picture."""
        return True


class TestChatAnthropic(TestChatOpenAIResponses):
    """Over /v1/messages."""

    @property
    def chat_model_class(self) -> Any:
        """The client."""
        return ChatAnthropic

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """Where the server is."""
        return {**COMMON, "base_url": URL}

    @property
    def supports_json_mode(self) -> bool:
        """Anthropic's API has none."""
        return False

    @property
    def supports_anthropic_inputs(self) -> bool:
        """Blocks of its own kind are taken."""
        return True
