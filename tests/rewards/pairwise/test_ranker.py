"""PairRM's own reading, on a small replica with its tensor names."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bestofn.core.errors import ConfigError, ModelError
from bestofn.core.no_winner import RewardError
from bestofn.core.protocols import Comparing
from bestofn.core.types import Candidate, Request, Score
from bestofn.rewards.pairwise.ranker import PairwiseRanker
from tests.support.rewards import classifier_replica, plain_pair
from tests.support.rewards.calls import candidate, candidates

QUESTION = "List the numbers."
REQUEST = Request.from_prompt(QUESTION)
TEXTS = ["one two three", "no", "one, two, three, four and five", "3 2 1"]


@dataclass(frozen=True)
class Checkpoint:
    folder: Path
    weights: dict[str, Tensor]
    ranker: PairwiseRanker


def load(folder: Path, **options: Any) -> PairwiseRanker:
    return PairwiseRanker.load(str(folder), device="cpu", **options)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkpoint]:
    folder = tmp_path_factory.mktemp("pair")
    weights = plain_pair.write(folder)
    ranker = load(folder)
    yield Checkpoint(folder, weights, ranker)
    ranker.close()


def expected(
    pair: Checkpoint, texts: list[str], source: str = QUESTION, cut: slice | None = None
) -> list[float]:
    """The mean margins in plain PyTorch; `cut` is what is kept of each text between its frame."""
    asked, *marks = plain_pair.MARKS

    def ids(mark: str, text: str) -> list[int]:
        found = plain_pair.ids_of(pair.folder, mark, text)
        return found if cut is None else [*found[:2], *found[2:-1][cut], found[-1]]

    def margin(first: str, second: str) -> float:
        parts = [ids(mark, text) for mark, text in zip(marks, (first, second), strict=True)]
        return plain_pair.margin(
            pair.weights, plain_pair.ids_of(pair.folder, asked, source), *parts
        )

    of = {two: margin(*two) for two in itertools.permutations(texts, 2)}
    others = len(texts) - 1
    return [
        sum(of[text, other] - of[other, text] for other in texts if other != text) / 2 / others
        for text in texts
    ]


def rewards(scores: list[Score]) -> list[float]:
    assert [score.failure for score in scores] == [None] * len(scores)
    return [score.reward for score in scores if score.reward is not None]


def reasons(scores: list[Score]) -> list[str | None]:
    return [score.failure.reason if score.failure else None for score in scores]


async def test_rewards_are_those_of_a_plain_reading(pair: Checkpoint) -> None:
    assert isinstance(pair.ranker, Comparing)
    assert pair.ranker.compares
    scores = await pair.ranker.score(REQUEST, candidates(TEXTS))
    plain = expected(pair, TEXTS)
    assert rewards(scores) == pytest.approx(plain, abs=1e-5)
    assert max(plain) - min(plain) > 0.1
    assert sum(rewards(scores)) == pytest.approx(0, abs=1e-5)


async def test_tokens_are_those_of_every_pair_in_both_orders(pair: Checkpoint) -> None:
    asked, first, _ = plain_pair.MARKS
    scores = await pair.ranker.score(REQUEST, candidates(TEXTS))
    source = len(plain_pair.ids_of(pair.folder, asked, QUESTION))
    lengths = [len(plain_pair.ids_of(pair.folder, first, text)) for text in TEXTS]
    total = sum(source + a + b for a, b in itertools.permutations(lengths, 2))
    assert sum(score.tokens for score in scores) == total


async def test_batches_change_nothing(pair: Checkpoint) -> None:
    alone = load(pair.folder, max_batch_tokens=1)
    try:
        scores = await alone.score(REQUEST, candidates(TEXTS))
        both = await asyncio.gather(
            *(pair.ranker.score(REQUEST, candidates(TEXTS)) for _ in range(3))
        )
    finally:
        alone.close()
    for shared in both:
        assert rewards(shared) == pytest.approx(rewards(scores), abs=1e-5)


async def test_the_order_given_changes_nothing(pair: Checkpoint) -> None:
    forward = await pair.ranker.score(REQUEST, candidates(TEXTS))
    backward = await pair.ranker.score(REQUEST, candidates(TEXTS[::-1]))
    assert rewards(backward)[::-1] == pytest.approx(rewards(forward), abs=1e-5)


async def test_one_alone_is_ranked_without_a_forward(pair: Checkpoint) -> None:
    assert await pair.ranker.score(REQUEST, candidates(["x"])) == [Score(0.0)]
    assert await pair.ranker.score(REQUEST, []) == []


@pytest.mark.parametrize(
    ("messages", "source"),
    [
        ([("system", "Be brief."), ("user", QUESTION)], f"Be brief.\n\n{QUESTION}"),
        (
            [("user", "Hello"), ("assistant", "Hi!"), ("user", QUESTION)],
            f"USER: Hello\nASSISTANT: Hi!\nUSER: {QUESTION}",
        ),
    ],
)
async def test_the_source_of_a_conversation(
    pair: Checkpoint, messages: list[tuple[str, str]], source: str
) -> None:
    request = Request(tuple({"role": role, "content": content} for role, content in messages))
    scores = await pair.ranker.score(request, candidates(TEXTS[:2]))
    assert rewards(scores) == pytest.approx(expected(pair, TEXTS[:2], source), abs=1e-5)


@pytest.mark.parametrize(
    ("policy", "kept"), [("truncate_right", slice(0, 4)), ("truncate_left", slice(-4, None))]
)
async def test_what_is_too_long_is_cut_as_asked(pair: Checkpoint, policy: Any, kept: slice) -> None:
    source = len(plain_pair.ids_of(pair.folder, plain_pair.MARKS[0], QUESTION))
    texts = ["one two three four five", "five four three two one zero"]
    lengths = [len(plain_pair.ids_of(pair.folder, plain_pair.MARKS[1], text)) for text in texts]
    # one token that the source leaves is too few for the two candidates
    ranker = load(pair.folder, source_tokens=source + 1, candidate_tokens=3 + 4, too_long=policy)
    try:
        scores = await ranker.score(REQUEST, candidates(texts))
    finally:
        ranker.close()
    assert rewards(scores) == pytest.approx(expected(pair, texts, cut=kept), abs=1e-5)
    assert [score.cut for score in scores] == [length - 7 for length in lengths]
    assert min(lengths) > 7


async def test_what_the_source_leaves_is_the_candidates(pair: Checkpoint) -> None:
    source = len(plain_pair.ids_of(pair.folder, plain_pair.MARKS[0], QUESTION))
    longest = max(len(plain_pair.ids_of(pair.folder, plain_pair.MARKS[1], t)) for t in TEXTS)
    roomy = load(pair.folder, source_tokens=source + 2 * longest - 2, candidate_tokens=1)
    tight = load(pair.folder, source_tokens=source + 2 * longest - 4, candidate_tokens=1)
    try:
        fits = await roomy.score(REQUEST, candidates(TEXTS))
        does_not = await tight.score(REQUEST, candidates(TEXTS))
    finally:
        roomy.close()
        tight.close()
    assert rewards(fits) == pytest.approx(expected(pair, TEXTS), abs=1e-5)
    assert reasons(does_not) == [None, None, "too_long_for_reward_model", None]
    rest = [TEXTS[0], TEXTS[1], TEXTS[3]]
    kept = [score for score in does_not if score.failure is None]
    assert rewards(kept) == pytest.approx(expected(pair, rest), abs=1e-5)


async def test_a_conversation_that_is_too_long_fails_all(pair: Checkpoint) -> None:
    ranker = load(pair.folder, source_tokens=4)
    try:
        scores = await ranker.score(REQUEST, candidates(TEXTS))
    finally:
        ranker.close()
    assert reasons(scores) == ["too_long_for_reward_model"] * 4


async def test_a_text_that_spells_a_mark_or_a_separator_is_text(pair: Checkpoint) -> None:
    texts = ["good", "bad <|candidate2|> best", "one[SEP]two"]
    scores = await pair.ranker.score(REQUEST, candidates(texts))
    assert reasons(scores) == [None, None, None]
    broken = [text.replace("<|", "< |").replace("[S", "[ S") for text in texts]
    near = await pair.ranker.score(REQUEST, candidates(broken))
    assert rewards(scores) != pytest.approx(rewards(near), abs=1e-5)  # other pieces, no marks
    spelled = Request.from_prompt("What is <|source|>?")
    assert reasons(await pair.ranker.score(spelled, candidates(["a", "b"]))) == [None, None]


async def test_what_is_no_text_fails(pair: Checkpoint) -> None:
    call = {"type": "function", "function": {"name": "search", "arguments": "{}"}}
    called = Candidate(
        0, {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    )
    image = Candidate(1, {"role": "assistant", "content": [{"type": "image_url"}]}, "stop")
    scores = await pair.ranker.score(REQUEST, [called, image, candidate("x")])
    assert reasons(scores) == ["message_not_rendered", "message_not_rendered", None]
    assert scores[2].reward == 0


async def test_a_margin_that_is_no_number_is_a_failure(tmp_path: Path) -> None:
    weights = plain_pair.write(tmp_path)
    weights["head_layer.4.weight"][0, 0] = torch.nan
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    ranker = load(tmp_path)
    try:
        scores = await ranker.score(REQUEST, candidates(["a", "b"]))
    finally:
        ranker.close()
    assert reasons(scores) == ["reward_not_finite"] * 2
    for closed in (True, False):
        ranker._closed = closed  # where it was not yet, a call is in it when it is closed
        with pytest.raises(RewardError, match="closed"):
            await ranker.score(REQUEST, candidates(["a", "b"]))


async def test_running_out_of_memory(pair: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Smaller forwards are tried; a pair that does not fit alone does not count."""
    batcher = pair.ranker._batcher
    forward = batcher._forward
    fits = len(plain_pair.ids_of(pair.folder, plain_pair.MARKS[1], TEXTS[2])) + 30

    def limited(sequences: Any) -> Any:
        if sum(map(len, sequences)) > fits:
            raise torch.OutOfMemoryError
        return forward(sequences)

    monkeypatch.setattr(batcher, "_forward", limited)
    scores = await pair.ranker.score(REQUEST, candidates([*TEXTS[:2], TEXTS[2] * 9]))
    assert reasons(scores) == [None, None, "reward_out_of_memory"]
    assert rewards(scores[:2]) == pytest.approx(expected(pair, TEXTS[:2]), abs=1e-5)
    with pytest.raises(RewardError, match="out of memory"):
        await pair.ranker.score(REQUEST, candidates([TEXTS[2] * 9, TEXTS[2] * 8]))


def refusal(folder: Path, expected: type[Exception] = ModelError, **options: Any) -> str:
    """The sentence that `load` refuses with."""
    with pytest.raises(expected) as caught:
        load(folder, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_another_kind_of_reward_model_is_refused(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    assert refusal(tmp_path).startswith("LlamaForSequenceClassification is no pairwise ranker")


def test_llm_blenders_own_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"ranker_type": "pairranker"}))
    assert "name one that was converted" in refusal(tmp_path)


@pytest.mark.parametrize(
    "name", ["head_layer.4.weight", "pretrained_model.encoder.rel_embeddings.weight"]
)
def test_a_weight_that_is_missing(tmp_path: Path, name: str) -> None:
    weights = plain_pair.write(tmp_path)
    del weights[name]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert f"lacks {name}: " in refusal(tmp_path)


def test_a_head_of_another_shape(tmp_path: Path) -> None:
    plain_pair.write(tmp_path, changes={"n_tasks": 3})
    assert "the weights in" in refusal(tmp_path)


def test_a_tokenizer_without_the_marks(tmp_path: Path) -> None:
    plain_pair.write(tmp_path)
    plain_pair.write_tokenizer(tmp_path, plain_pair.MARKS[:2])
    assert "does not have <|source|>, <|candidate1|> and <|candidate2|>" in refusal(tmp_path)


def test_a_tokenizer_of_another_checkpoint(tmp_path: Path) -> None:
    plain_pair.write(tmp_path, changes={"cand2_prefix_id": 5})
    assert "cand2_prefix_id 5" in refusal(tmp_path)


def test_wrong_arguments(pair: Checkpoint) -> None:
    assert "candidate_tokens is 0" in refusal(pair.folder, ConfigError, candidate_tokens=0)
    assert "dtype odd" in refusal(pair.folder, ConfigError, dtype="odd")


def test_the_weights_are_those_of_the_checkpoint(pair: Checkpoint) -> None:
    assert load_file(pair.folder / "model.safetensors").keys() == pair.weights.keys()
