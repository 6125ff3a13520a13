"""Scores the Ziya model card's examples: python examples/ziya_model_card.py CHECKPOINT CASES.json

CASES.json holds {"cases": [{"query": ..., "responses": [...], "published_rewards": [...]}]}. The
card puts the end token on every text, so every response counts as one that ended by itself.
"""

import asyncio
import json
import sys
from pathlib import Path

from bestofn.core.errors import BestOfNError
from bestofn.core.types import Candidate, Request
from bestofn.rewards.transformers import TransformersRewardModel


async def main(checkpoint: str, cases: str) -> None:
    """Print published and measured rewards side by side."""
    model = TransformersRewardModel.load(checkpoint)
    print("published  measured  response")
    for case in json.loads(Path(cases).read_text(encoding="utf-8"))["cases"]:
        texts, published = case["responses"], case["published_rewards"]
        answers = [{"role": "assistant", "content": text} for text in texts]
        given = [Candidate(index, answer, "stop") for index, answer in enumerate(answers)]
        scores = await model.score(Request.from_prompt(case["query"]), given)
        for text, there, score in zip(texts, published, scores, strict=True):
            here = "-" if score.reward is None else f"{score.reward:.2f}"
            print(f"{there:9.2f}  {here:>8}  {text[:24]!r}")
    model.close()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("give the checkpoint's folder and the JSON file of cases")
    try:
        asyncio.run(main(*sys.argv[1:]))
    except (BestOfNError, OSError) as error:
        sys.exit(f"{error}")
