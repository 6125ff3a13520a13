"""Candidates of `bestofn serve` as they finish, by server-sent events, and then the answer."""

import json
import os

import httpx
from httpx_sse import connect_sse

URL = os.environ.get("BESTOFN_URL", "http://127.0.0.1:8000/v1")
KEY = os.environ.get("BESTOFN_API_KEY", "none")
ASKED = {"messages": [{"role": "user", "content": "What is 8 - 5?"}], "best_of": 8, "seed": 136}


def main() -> None:
    """Print each candidate when it was filtered, when it was scored, and the winner at the end."""
    headers = {"authorization": f"Bearer {KEY}"}
    with (
        httpx.Client(headers=headers, timeout=600) as client,
        connect_sse(client, "POST", f"{URL}/candidates", json=ASKED) as events,
    ):
        events.response.raise_for_status()
        for event in events.iter_sse():
            if event.data == "[DONE]":
                break
            told = json.loads(event.data)
            if told["object"] == "bestofn.candidate":
                reasons = [each["reason"] for each in told["rejections"]]
                print(told["index"], told["state"], told["reward"], reasons, told["text"])
            elif told["object"] == "chat.completion":
                print("best:", told["choices"][0]["message"]["content"])


if __name__ == "__main__":
    main()
