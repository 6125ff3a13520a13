"""Measures what the default filters find of answers that a real model's limit cut, told as `stop`.

    python -m benchmarks.real_cuts [--model FOLDER] [--output FILE.jsonl]

Each prompt is answered four times at temperature 1, under another limit on its tokens each time, by
SmolLM2-135M-Instruct (`python -m benchmarks.real_model` makes the folder). Answers that reached
their limit count as cut, all others as whole; both are judged as candidates that say `stop`. A cut
that fell right behind a sentence or a whole line cannot be seen in the text: how many of the missed
end in a sentence end is printed beside. `--output` keeps the answers, and `--input` judges those of
an earlier run again.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.real_model import folder_of_real_model
from benchmarks.real_outputs import interval
from bestofn.builders.pipeline import build_filters
from bestofn.core.filtering import Filtering
from bestofn.core.types import Candidate, Request
from bestofn.filters.truncation.line_end import ends_sentence
from bestofn.settings.settings import Settings

LIMITS = (32, 48, 64, 96)
"""Tokens that an answer may have."""

PROMPTS = (
    "Explain to a child why the sky is blue.",
    "Write a short story about a lighthouse keeper who finds a letter.",
    "Give me a recipe for lentil soup.",
    "What are the advantages and drawbacks of working from home?",
    "Write a Python function that counts the words of a text, with comments.",
    "List ten ideas for a rainy afternoon.",
    "Compare cats and dogs as pets in a table.",
    "Write a polite e-mail in which I ask my landlord to repair the heating.",
    "How does a bicycle stay upright?",
    "Write a poem about the first snow.",
    "Summarise what a democracy is.",
    "Plan a weekend in a city by the sea.",
    "A train leaves at 9:15 and travels 120 km at 80 km/h. When does it arrive? Show the steps.",
    "Write a dialogue between a teacher and a pupil who is late.",
    "What should I look for when I buy a used car?",
    "Explain recursion with an example.",
    "Write a social post that announces a small bakery.",
    "Describe the water cycle in numbered steps.",
    "Which exercises help against back pain?",
    "Write the description of a fantasy character: name, age, looks, past.",
    "Why do leaves change their colour in autumn?",
    "Write a cover letter for a job in a library.",
    "Explain the difference between weather and climate.",
    "Give me five tips for better sleep, each with a sentence that explains it.",
    "Tell me about the history of tea.",
    "Write a shell script that renames all pictures of a folder.",
    "What is inflation, and who gains by it?",
    "Write a speech for a friend's wedding.",
)
"""Open questions, most of which take more tokens than the limits."""


def answers(folder: Path, seed: int) -> Iterator[dict[str, Any]]:
    """Each prompt's answers under each limit: prompt, text, and whether it ended by itself."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(seed)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    asked = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
        for prompt in PROMPTS
    ]
    tokens = tokenizer(asked, return_tensors="pt", padding=True)
    begin = tokens.input_ids.shape[1]
    for limit in LIMITS:
        with torch.inference_mode():
            rows = model.generate(**tokens, max_new_tokens=limit, do_sample=True, top_k=0)
        for prompt, row in zip(PROMPTS, rows[:, begin:].tolist(), strict=True):
            ended = not set(tokenizer.all_special_ids).isdisjoint(row)
            text = tokenizer.decode(row, skip_special_tokens=True)
            yield {"prompt": prompt, "text": text, "ended": ended}


def report(rows: Iterator[Mapping[str, Any]]) -> None:
    """Judge the answers, print how many of the cut and of the whole ones were rejected."""
    filtering = Filtering.of(build_filters(Settings().filters))
    found, reasons, missed = {True: 0, False: 0}, Counter[str](), Counter[str]()
    total = Counter[bool]()
    for row in rows:
        message = {"role": "assistant", "content": row["text"]}
        record = filtering.judge(Request.from_prompt(row["prompt"]), Candidate(0, message, "stop"))
        total[row["ended"]] += 1
        found[row["ended"]] += bool(record.rejections)
        reasons.update(each.reason for each in record.rejections[:1] if not row["ended"])
        if not record.rejections and not row["ended"]:
            ends = ends_sentence(row["text"])
            missed["at a sentence end" if ends else "elsewhere"] += 1
    print(
        f"cut and found: {found[False]} of {total[False]}, {interval(found[False], total[False])} %"
    )
    print(f"  by {dict(reasons.most_common())}; missed {dict(missed)}")
    print(f"ended and rejected: {found[True]} of {total[True]}")


def main() -> None:
    """Read the flags, sample, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=folder_of_real_model())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="a file for the answers")
    parser.add_argument("--input", type=Path, help="answers of an earlier run: no model is loaded")
    flags = parser.parse_args()
    if flags.input:
        rows = [json.loads(line) for line in flags.input.read_text("utf-8").splitlines()]
    else:
        rows = list(answers(flags.model, flags.seed))
    if flags.output:
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        flags.output.write_text("".join(lines), encoding="utf-8")
    report(iter(rows))


if __name__ == "__main__":
    main()
