"""Judges answers that are there already, by the filters that judge candidates; loads no model."""

from bestofn import Candidate, Request, Settings
from bestofn.builders.pipeline import build_filters

ROWS = [
    {"prompt": "Name three fruits.", "response": "Apples, pears and plums."},
    {"prompt": "Name three fruits.", "response": "Apples, pears, " + "and apples, pears, " * 20},
    {"prompt": "How does a loop end?", "response": "```python\nfor at in range(3):\n    print("},
]


def main() -> None:
    """Print what is kept, and why the rest is not."""
    filters = build_filters(Settings().filters)
    for row in ROWS:
        request = Request.from_prompt(row["prompt"])
        answer = {"role": "assistant", "content": row["response"]}
        found = [each.check(request, Candidate(0, answer, "stop")) for each in filters]
        reasons = [f"{each.filter}: {each.detail}" for each in found if each is not None]
        print("rejected" if reasons else "kept", reasons, row["response"][:40])


if __name__ == "__main__":
    main()
