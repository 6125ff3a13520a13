"""Cohere's own client, version 2 of its API: rerank."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.serving import app_of, serving

pytestmark = pytest.mark.slow  # the package takes seconds to load


async def test_cohere_client_reranks() -> None:
    cohere: Any = pytest.importorskip("cohere", reason="cohere's client is not installed")
    asked = {"model": "bestofn-embedded-reward", "query": "What?", "documents": ["good", "better"]}
    async with serving(app_of(api_keys=["secret"])) as url:

        def ask(**more: Any) -> Any:
            with cohere.ClientV2("secret", base_url=url) as client:
                return client.rerank(**asked, **more)

        plain = await asyncio.to_thread(ask)
        limited = await asyncio.to_thread(ask, top_n=1, max_tokens_per_doc=4096, priority=3)
        async with cohere.AsyncClientV2("secret", base_url=url) as client:
            again = await client.rerank(**asked)
    assert [result.index for result in plain.results] == [1, 0]
    scores = [result.relevance_score for result in plain.results]
    assert scores == pytest.approx([5 / 6, 0.75])
    assert plain.id.startswith("rerank-")
    assert [result.index for result in limited.results] == [1]
    assert [result.relevance_score for result in again.results] == scores
