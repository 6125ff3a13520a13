"""Owns scoring several answers to one prompt in one row, so that the prompt is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import LlamaForSequenceClassification

from bestofn.embedded.train import batches


@dataclass(frozen=True, slots=True)
class Row:
    """A prompt and answers to it, as token ids.

    Args:
        prompt: ids up to and with the mark that opens the answer.
        answers: ids of each answer, none empty.
    """

    prompt: Sequence[int]
    answers: Sequence[Sequence[int]]

    def __len__(self) -> int:
        return len(self.prompt) + sum(map(len, self.answers))


@dataclass(frozen=True, slots=True)
class Scored:
    """Numbers for the answers of a batch of rows, one tensor (answers,) per row.

    Args:
        rewards: read at the last token of each answer in the last layer.
        by_tokens: what the token head says of the answer's tokens one layer below, added up and
            divided by the square root of their number; empty without a token head.
    """

    rewards: Sequence[torch.Tensor]
    by_tokens: Sequence[torch.Tensor]


def score(
    model: LlamaForSequenceClassification,
    rows: Sequence[Row],
    pad: int,
    token_head: torch.nn.Module | None = None,
) -> Scored:
    """Score all rows in one forward; gradients flow.

    Each answer sees the prompt and itself and has the positions it would have alone after the
    prompt, so the rewards are those of scoring every text by itself.
    """
    ids = batches.pad([[*row.prompt, *(i for a in row.answers for i in a)] for row in rows], pad)
    segments = batches.pad([_segments(row) for row in rows], -1)
    own = segments[:, :, None] == segments[:, None, :]
    of_prompt = segments[:, None, :] == 0
    earlier = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
    out = model.model(
        input_ids=ids,
        position_ids=batches.pad([_positions(row) for row in rows], 0),
        attention_mask=((own | of_prompt) & earlier)[:, None],
        output_hidden_states=True,
    )
    sizes = [len(row.answers) for row in rows]
    last = torch.cat([out.last_hidden_state[i, _ends(row)] for i, row in enumerate(rows)])
    rewards = torch.split(model.score(last).float().squeeze(-1), sizes)
    if token_head is None:
        return Scored(rewards, [])
    said = token_head(out.hidden_states[-2]).float().squeeze(-1)
    in_answer = torch.arange(1, max(sizes) + 1)[None, :, None] == segments[:, None, :]
    lengths = in_answer.sum(-1).clamp(min=1)
    sums = (said[:, None, :] * in_answer).sum(-1) / lengths.sqrt()
    return Scored(rewards, [s[:size] for s, size in zip(sums, sizes, strict=True)])


def _positions(row: Row) -> list[int]:
    start = len(row.prompt)
    return [*range(start), *(start + i for a in row.answers for i in range(len(a)))]


def _segments(row: Row) -> list[int]:
    return [0] * len(row.prompt) + [n for n, a in enumerate(row.answers, 1) for _ in a]


def _ends(row: Row) -> list[int]:
    ends, position = [], len(row.prompt) - 1
    for answer in row.answers:
        position += len(answer)
        ends.append(position)
    return ends
