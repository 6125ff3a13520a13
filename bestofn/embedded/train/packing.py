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
    """What the model made of a batch of rows; the tensors are (rows, longest row, ...).

    Args:
        rewards: of each row's answers, one tensor (answers,) per row, read at the last token.
        states: the input of every layer, and last the normalised output of the last one.
        ids: the token ids.
        previous: for each token the place of the one before it in its own text.
        of_answer: whether the token belongs to an answer.
    """

    rewards: list[torch.Tensor]
    states: tuple[torch.Tensor, ...]
    ids: torch.Tensor
    previous: torch.Tensor
    of_answer: torch.Tensor


def score(model: LlamaForSequenceClassification, rows: Sequence[Row], pad: int) -> Scored:
    """Score all rows in one forward; gradients flow.

    Each answer sees the prompt and itself and has the positions it would have alone after the
    prompt, so the numbers are those of scoring every text by itself.
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
    last = torch.cat([out.last_hidden_state[i, _ends(row)] for i, row in enumerate(rows)])
    read = model.score(last).float().squeeze(-1)
    return Scored(
        rewards=list(torch.split(read, [len(row.answers) for row in rows])),
        states=out.hidden_states,
        ids=ids,
        previous=batches.pad([_previous(row) for row in rows], 0),
        of_answer=segments > 0,
    )


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


def _previous(row: Row) -> list[int]:
    places = list(range(-1, len(row) - 1))
    places[0] = 0
    start = len(row.prompt)
    for answer in row.answers:
        places[start] = len(row.prompt) - 1
        start += len(answer)
    return places
