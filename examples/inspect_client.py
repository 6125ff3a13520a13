"""inspect_ai against `bestofn serve`: a task, answered once and as the best of eight."""

import os
import tempfile

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.scorer import includes

URL = os.environ.get("BESTOFN_URL", "http://127.0.0.1:8000/v1")
KEY = os.environ.get("BESTOFN_API_KEY", "none")
MODEL = "openai-api/bestofn/bestofn-embedded"  # openai-api/, any word, and a name URL/models lists
QUESTIONS = {"What is 8 - 5?": "3", "What is 6 + 3?": "9", "What is 4 + 3?": "7"}


def main() -> None:
    """Print the accuracy of each."""
    samples = [Sample(question, target=answer) for question, answer in QUESTIONS.items()]
    for best_of in (1, 8):
        config = GenerateConfig(seed=136, extra_body={"best_of": best_of})
        model = get_model(MODEL, base_url=URL, api_key=KEY, config=config)
        with tempfile.TemporaryDirectory() as logs:
            (log,) = evaluate(
                Task(samples, scorer=includes()), model, log_dir=logs, display="none", score=True
            )
        assert log.results is not None, log.error
        accuracy = log.results.scores[0].metrics["accuracy"].value
        print(f"best of {best_of}: {accuracy:.2f} right")


if __name__ == "__main__":
    main()
