"""Structured output: what does not fit the schema is rejected, and equal values vote together."""

import json
import os

from openai import OpenAI

URL = os.environ.get("BESTOFN_URL", "http://127.0.0.1:8000/v1")
KEY = os.environ.get("BESTOFN_API_KEY", "none")
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "integer"}},
    "required": ["answer"],
    "additionalProperties": False,
}


def main() -> None:
    """Print the value that won, and why others were rejected."""
    client = OpenAI(base_url=URL, api_key=KEY)
    answer = client.chat.completions.create(
        model=client.models.list().data[0].id,
        messages=[{"role": "user", "content": "What is 8 - 5? Answer as JSON."}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": SCHEMA},
        },
        extra_body={"best_of": 4, "bestofn": {"selector": "vote", "answer_key": "json"}},
    )
    print("best:", json.loads(answer.choices[0].message.content or "null"))
    print("rejected:", (answer.model_extra or {})["bestofn"]["rejected"])


if __name__ == "__main__":
    main()
