"""Tool calls: calls that do not fit the tool's schema are rejected, the rest of them vote."""

import os

from openai import OpenAI
from openai.types.shared_params import FunctionDefinition

URL = os.environ.get("BESTOFN_URL", "http://127.0.0.1:8000/v1")
KEY = os.environ.get("BESTOFN_API_KEY", "none")
WEATHER: FunctionDefinition = {
    "name": "weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"],
    },
}


def main() -> None:
    """Print the call that won, and why others were rejected."""
    client = OpenAI(base_url=URL, api_key=KEY)
    answer = client.chat.completions.create(
        model=client.models.list().data[0].id,
        messages=[{"role": "user", "content": "How is the weather in Oslo?"}],
        tools=[{"type": "function", "function": WEATHER}],
        extra_body={"best_of": 4, "bestofn": {"selector": "vote", "answer_key": "tool_calls"}},
    )
    for call in answer.choices[0].message.tool_calls or []:
        assert call.type == "function"
        print(call.function.name, call.function.arguments)
    print("rejected:", (answer.model_extra or {})["bestofn"]["rejected"])


if __name__ == "__main__":
    main()
