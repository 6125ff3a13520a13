"""The side of `benchmarks.peers` that runs in the peers' own environment, over their own code.

It is run as a file by that environment's Python. A line of standard input asks, ``{"way": "its_hub
SelfConsistency", "model": "smollm2", "prompt": "...", "n": 8}``; a line of standard output answers,
``{"text": "...", "seconds": 0.8}``, with the fault as `error` where the peer raised.

Both peers get the same server, the same system message, temperature 1 and the same limit of tokens
as bestofn. "same key" votes on bestofn's answer key, which needs nothing but the standard library;
optillm lets nobody choose one.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Way = Callable[[str, str, int], str]
"""From a model's name, a prompt and N to the answer."""


def its_hub_ways(given: argparse.Namespace) -> Mapping[str, Way]:
    """its_hub's, with its default key, the whole text, and with bestofn's."""
    models = importlib.import_module("its_hub.core.lms.openai_lm")
    voting = importlib.import_module("its_hub.core.algorithms.self_consistency")
    beta = importlib.import_module("its_hub.core.algorithms.beta_self_consistency")
    lm = models.OpenAICompatibleLanguageModel(
        endpoint=f"{given.url}/v1",
        api_key="none",
        model_name="",
        system_prompt=given.system,
        temperature=1.0,
        max_tokens=given.max_tokens,
    )
    loop = asyncio.new_event_loop()

    def asked(algorithm: type, *, same_key: bool) -> Way:
        def ask(model: str, prompt: str, n: int) -> str:
            lm.model_name = model
            key = _answer_key(prompt) if same_key else None
            chosen = algorithm(consistency_space_projection_func=key)
            return str(loop.run_until_complete(chosen.ainfer(lm, prompt, n)).get("content") or "")

        return ask

    return {
        "its_hub SelfConsistency": asked(voting.SelfConsistency, same_key=False),
        "its_hub SelfConsistency, same key": asked(voting.SelfConsistency, same_key=True),
        "its_hub BetaSelfConsistency": asked(beta.BetaSelfConsistency, same_key=False),
        "its_hub BetaSelfConsistency, same key": asked(beta.BetaSelfConsistency, same_key=True),
    }


def optillm_ways(given: argparse.Namespace) -> Mapping[str, Way]:
    """optillm's: best of n rated by the model itself, and clusters of similar texts."""
    openai = importlib.import_module("openai")
    bon = importlib.import_module("optillm.bon")
    consistency = importlib.import_module("optillm.self_consistency")
    client = openai.OpenAI(base_url=f"{given.url}/v1", api_key="none")
    limit = {"max_tokens": given.max_tokens}

    def best_of_n(model: str, prompt: str, n: int) -> str:
        asked = given.system, prompt, client, model, n
        return str(bon.best_of_n_sampling(*asked, request_config=limit)[0])

    def self_consistency(model: str, prompt: str, n: int) -> str:
        chosen = consistency.AdvancedSelfConsistency(
            client, model, num_samples=n, request_config=limit
        )
        clusters = chosen.evaluate(given.system, prompt)["aggregated_result"]["clusters"]
        return str(clusters[0]["answer"]) if clusters else ""

    return {"optillm bon": best_of_n, "optillm self_consistency": self_consistency}


def _answer_key(prompt: str) -> Callable[[str], str]:
    """bestofn's key of short answers; a text without one stands for itself."""
    types = importlib.import_module("bestofn.core.types")
    key = importlib.import_module("bestofn.answers.auto").AutoKey()
    request = types.Request.from_prompt(prompt)

    def project(text: str) -> str:
        candidate = types.Candidate(0, {"role": "assistant", "content": text}, "stop")
        return key.key(request, candidate) or text.strip()

    return project


def main() -> None:
    """Answer lines until there are no more."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--url", "--system"):
        parser.add_argument(name, required=True)
    parser.add_argument("--max-tokens", type=int, required=True)
    given = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # what the peers print is no answer
    logging.disable(logging.WARNING)
    sys.path.append(str(Path(__file__).parent.parent))
    ways = {**its_hub_ways(given), **optillm_ways(given)}
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        started = time.perf_counter()
        try:
            told: dict[str, Any] = {
                "text": ways[asked["way"]](asked["model"], asked["prompt"], asked["n"])
            }
        except Exception as error:
            told = {"text": "", "error": f"{type(error).__name__}: {error}"}
        told["seconds"] = time.perf_counter() - started
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
