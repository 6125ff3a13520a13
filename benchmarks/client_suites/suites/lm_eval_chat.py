"""lm-eval's local-chat-completions on a task of two questions, as its command line runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

URL = os.environ["BESTOFN_URL"]
QUESTIONS = [{"question": f"What is {a} + {b}?", "answer": "4"} for a, b in ((2, 2), (1, 3))]


@pytest.mark.parametrize("further", ["", ",num_concurrent=2"])
def test_its_score_is_that_of_the_winners(tmp_path: Path, further: str) -> None:
    data = tmp_path / "questions.jsonl"
    data.write_text("".join(json.dumps(each) + "\n" for each in QUESTIONS))
    task = {
        "task": "sums",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{question}}",
        "doc_to_target": "{{answer}}",
        "generation_kwargs": {"until": ["\n\n"], "max_gen_toks": 64, "do_sample": True},
        "filter_list": [
            {
                "name": "number",
                "filter": [
                    {"function": "regex", "regex_pattern": r"answer is (\d+)"},
                    {"function": "take_first"},
                ],
            }
        ],
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }
    (tmp_path / "sums.yaml").write_text(json.dumps(task))
    arguments = f"base_url={URL}/v1/chat/completions,model=scripted{further}"
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "local-chat-completions"]
    flags = ["--model_args", arguments, "--tasks", "sums", "--include_path", str(tmp_path)]
    done = subprocess.run(
        [*command, *flags, "--apply_chat_template", "--output_path", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env={**os.environ, "OPENAI_API_KEY": "secret", "HF_DATASETS_OFFLINE": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (results,) = (tmp_path / "out").rglob("results_*.json")
    scores = json.loads(results.read_text())["results"]["sums"]
    assert scores["exact_match,number"] == 1.0
