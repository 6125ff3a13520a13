"""LiteLLM against `bestofn serve`: best_of goes through extra_body, the report comes back whole."""

import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or its import fetches prices

import litellm
from litellm.types.utils import ModelResponse

URL = os.environ.get("BESTOFN_URL", "http://127.0.0.1:8000/v1")
KEY = os.environ.get("BESTOFN_API_KEY", "none")
MODEL = "openai/bestofn-embedded"  # openai/ and a name that URL/models lists


def main() -> None:
    """Print the three best of eight with their rewards."""
    answer = litellm.completion(
        MODEL,
        [{"role": "user", "content": "What is 8 - 5?"}],
        api_base=URL,
        api_key=KEY,
        n=3,
        seed=136,
        extra_body={"best_of": 8},
    )
    assert isinstance(answer, ModelResponse)  # with stream=True it would be chunks
    report = (answer.model_extra or {})["bestofn"]
    for choice, reward in zip(answer.choices, report["rewards"], strict=True):
        print(f"{choice.index + 1}. reward {reward:.2f}: {choice.message.content}")
    print(f"{report['accepted']} of {report['sampled']} accepted, rejected: {report['rejected']}")


if __name__ == "__main__":
    main()
