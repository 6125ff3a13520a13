"""vLLM has every field of OpenAI's that the server's table says goes to the engine."""

from __future__ import annotations

from typing import get_args

import pytest

from bestofn.core.types import Endpoint
from bestofn_server.wire.field_table import fields

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("endpoint", get_args(Endpoint))
def test_the_engine_takes_what_the_table_gives_it(endpoint: Endpoint) -> None:
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
    from vllm.entrypoints.openai.completion.protocol import CompletionRequest

    taken = {"chat/completions": ChatCompletionRequest, "completions": CompletionRequest}
    assert set(fields(endpoint, "engine")) <= taken[endpoint].model_fields.keys()
