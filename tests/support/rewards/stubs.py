"""Servers that answer as the documentation of SGLang, TEI and Jina shows; none of them runs here.

SGLang: docs.sglang.io, "SGLang Native APIs", "Classify (reward model)": a list with an `embedding`
and a `meta_info` for each text. TEI: its OpenAPI, `/predict`: label and score, `/rerank`: index
and score, `/info`. Jina: jina.ai/reranker, `results` with `index` and `relevance_score`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse


def reward(text: Any) -> float:
    """What the made-up model says of a text or of tokens: above 1 for anything longer."""
    return len(text) / 8 - 2


def sigmoid(value: float) -> float:
    """The logistic function."""
    return 1 / (1 + math.exp(-value))


def sglang(finish: Callable[[float], float] = lambda value: value) -> FastAPI:
    """A server of SGLang's `/classify`; `finish` is done to each reward."""
    app = FastAPI()

    @app.post("/classify")
    async def classify(request: Request) -> Any:
        body = await request.json()
        assert body.keys() == {"model", "input_ids"}
        meta = {"id": "1d2ca3a41c6e4bdf8a5a3a5a9fd3fd4f", "prompt_tokens": 128}
        texts = body["input_ids"]
        return [{"embedding": [finish(reward(ids))], "meta_info": meta} for ids in texts]

    @app.get("/v1/models")
    async def models() -> Any:
        listed = {"id": "reward", "object": "model", "owned_by": "sglang", "root": "reward"}
        return {"object": "list", "data": [listed]}

    return app


def tei(kind: str, labels: int = 1) -> FastAPI:
    """A server of Text Embeddings Inference that holds a model of this kind."""
    app = FastAPI(openapi_url=None)

    def said(body: Any, text: str) -> float:
        return reward(text) if body["raw_scores"] else sigmoid(reward(text))

    @app.post("/predict")
    async def predict(request: Request) -> Any:
        body = await request.json()
        if len(body["inputs"]) > 400:
            error = "Input validation error: `inputs` must have less than 512 tokens. Given: 600"
            return JSONResponse({"error": error, "error_type": "Validation"}, 413)
        score = said(body, body["inputs"])
        return [{"score": score, "label": f"LABEL_{i}"} for i in range(labels)]

    @app.post("/rerank")
    async def rerank(request: Request) -> Any:
        body = await request.json()
        ranked: list[dict[str, Any]] = [
            {"index": i, "score": said(body, t)} for i, t in enumerate(body["texts"])
        ]
        return sorted(ranked, key=lambda each: -each["score"])

    @app.get("/info")
    async def info() -> Any:
        return {
            "model_id": "org/reward",
            "model_dtype": "float16",
            "model_type": {kind: {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}},
            "max_input_length": 512,
            "version": "1.8.0",
        }

    return app


def jina(finish: Callable[[float], float] = lambda value: value, drop: int = 0) -> FastAPI:
    """A server of Jina's `/v1/rerank`; it leaves out the `drop` best."""
    app = FastAPI()

    @app.post("/v1/rerank")
    async def rerank(request: Request) -> Any:
        body = await request.json()
        results: list[dict[str, Any]] = [
            {"index": i, "relevance_score": finish(reward(text)), "document": {"text": text}}
            for i, text in enumerate(body["documents"])
        ]
        results = sorted(results, key=lambda each: -each["relevance_score"])
        return {"model": "reranker", "usage": {"total_tokens": 8}, "results": results[drop:]}

    return app
