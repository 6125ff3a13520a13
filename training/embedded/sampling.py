"""Sampled answers of a model, in batches: half of the reward model's training set."""

from __future__ import annotations

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from training.embedded.chat import USER, render
from training.world import Task
from training.world.corruption import Answer
from training.world.task import is_correct

MAX_NEW_TOKENS = 64
BATCH = 128


@torch.inference_mode()
def sample_answers(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    tasks: list[Task],
    per_task: int,
    *,
    max_new_tokens: int = MAX_NEW_TOKENS,
) -> list[list[Answer]]:
    """`per_task` answers to each task at temperature 1, in the order of the tasks.

    Draws from torch's global random state. `Answer.fault` is "none" where the answer is right, else
    "wrong": whatever is wrong with it.
    """
    prompts = [render([(USER, task.prompt)], "", ended=False) for task in tasks]
    ids = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    # Prompts of one length go together, so that no batch is padded.
    jobs = sorted((len(row), i) for i, row in enumerate(ids) for _ in range(per_task))
    answers: list[list[Answer]] = [[] for _ in tasks]
    start = 0
    while start < len(jobs):
        length = jobs[start][0]
        batch = [i for size, i in jobs[start : start + BATCH] if size == length]
        start += len(batch)
        rows = model.generate(  # type: ignore[misc]
            input_ids=torch.tensor([ids[i] for i in batch]),
            attention_mask=torch.ones(len(batch), length, dtype=torch.long),
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            max_new_tokens=max_new_tokens,
            pad_token_id=tokenizer.pad_token_id,
        )
        for i, row in zip(batch, rows[:, length:].tolist(), strict=True):
            ended = tokenizer.eos_token_id in row
            text = str(tokenizer.decode(row, skip_special_tokens=True))
            good = ended and is_correct(tasks[i], text)
            answers[i].append(Answer(text, ended, "none" if good else "wrong"))
    return answers
