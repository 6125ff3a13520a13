"""The unmodified openai client against `bestofn serve`: bestofn's fields go through extra_body."""

import os

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

URL = os.environ.get("BESTOFN_URL", "http://127.0.0.1:8000/v1")
KEY = os.environ.get("BESTOFN_API_KEY", "none")
QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is 8 - 5?"}]
ASKED = {"best_of": 8, "bestofn": {"return_candidates": "summary"}}


def main() -> None:
    """Print the three best of eight and what was rejected, then stream the winner."""
    client = OpenAI(base_url=URL, api_key=KEY)
    model = client.models.list().data[0].id
    answer = client.chat.completions.create(
        model=model, messages=QUESTION, n=3, seed=136, extra_body=ASKED
    )
    report = (answer.model_extra or {})["bestofn"]
    for choice, reward in zip(answer.choices, report["rewards"], strict=True):
        print(f"{choice.index + 1}. reward {reward:.2f}: {choice.message.content}")
    for candidate in report["candidates"]:
        for rejection in candidate["rejections"]:
            print(f"rejected {candidate['index']}: {rejection['reason']}, {rejection['detail']}")

    print("streamed: ", end="")
    for chunk in client.chat.completions.create(
        model=model, messages=QUESTION, seed=136, extra_body={"best_of": 8}, stream=True
    ):
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()


if __name__ == "__main__":
    main()
