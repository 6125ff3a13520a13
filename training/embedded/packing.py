"""Several answers to one prompt scored in one row, so that the prompt is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import LlamaForSequenceClassification

from training.embedded import batches


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
    """What one forward says of a batch of rows.

    Args:
        rewards: one tensor (answers,) per row, read at the last token of each answer.
        states: the output of every layer, the embeddings first: (rows, tokens, hidden) each.
        tokens: (rows, tokens) ids.
        before: (rows, tokens) place of the token that each token follows: the one before it, and
            the prompt's last one for the first of an answer.
        answering: (rows, tokens) whether a token is part of an answer.
    """

    rewards: Sequence[torch.Tensor]
    states: Sequence[torch.Tensor]
    tokens: torch.Tensor
    before: torch.Tensor
    answering: torch.Tensor


def score(model: LlamaForSequenceClassification, rows: Sequence[Row], pad: int) -> Scored:
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
    return Scored(
        rewards=torch.split(model.score(last).float().squeeze(-1), sizes),
        states=out.hidden_states,
        tokens=ids,
        before=batches.pad([_before(row) for row in rows], 0),
        answering=segments > 0,
    )


def _positions(row: Row) -> list[int]:
    start = len(row.prompt)
    return [*range(start), *(start + i for a in row.answers for i in range(len(a)))]


def _before(row: Row) -> list[int]:
    start = len(row.prompt)
    places, place = [0, *range(start - 1)], start
    for answer in row.answers:
        places += [start - 1, *range(place, place + len(answer) - 1)]
        place += len(answer)
    return places


def _segments(row: Row) -> list[int]:
    return [0] * len(row.prompt) + [n for n, a in enumerate(row.answers, 1) for _ in a]


def _ends(row: Row) -> list[int]:
    ends, position = [], len(row.prompt) - 1
    for answer in row.answers:
        position += len(answer)
        ends.append(position)
    return ends
