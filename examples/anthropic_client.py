"""The unmodified anthropic client against `bestofn serve`: Claude's API, and the best of eight."""

import os

from anthropic import Anthropic

URL = os.environ.get("BESTOFN_URL", "http://127.0.0.1:8000/v1").removesuffix("/v1")
KEY = os.environ.get("BESTOFN_API_KEY", "none")


def main() -> None:
    """Print the winner and what became of the others."""
    client = Anthropic(base_url=URL, api_key=KEY)
    message = client.messages.create(
        model=client.models.list().data[0].id,
        max_tokens=64,
        messages=[{"role": "user", "content": "What is 8 - 5?"}],
        extra_body={"best_of": 8},
    )
    print("best:", "".join(block.text for block in message.content if block.type == "text"))
    report = (message.model_extra or {})["bestofn"]
    print(f"{report['accepted']} of {report['sampled']} accepted, rejected: {report['rejected']}")


if __name__ == "__main__":
    main()
