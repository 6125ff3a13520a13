"""Packed rows with shared prefixes: the same rewards as one text alone, and fewer tokens."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from bestofn.rewards.local.kernels import SHORT_PREFIX, SHORT_TEXT
from bestofn.rewards.local.packed_attention import NAME
from bestofn.rewards.local.packed_reader import PackedReader
from bestofn.rewards.local.readers import Head, PaddedReader, Reader, Reading
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import classifier_replica, plain_llama, ziya_replica
from tests.support.rewards.calls import values

FAMILIES = [*classifier_replica.FAMILIES, "ziya"]
SMALLEST = 320
"""Ids that every replica has."""

drawn = random.Random(0)


def some(count: int) -> list[int]:
    return [drawn.randrange(SMALLEST) for _ in range(count)]


def behind(prefix: list[int], *further: int) -> list[list[int]]:
    return [[*prefix, *some(count)] for count in further]


TEXTS = [
    *behind(some(60), 3, 40, 17, 1, 22),
    *behind([], 5, 33),
    *behind(some(30), 9, 4, 4),
    *behind(some(4), 7, 7),
]
"""Two prompts with their answers, two texts alone, and two that share too little."""

LONG = [
    *behind(some(SHORT_PREFIX + 1), 3, 40, 100),
    *behind(some(20), SHORT_TEXT + 1, 9),
    *behind([], SHORT_TEXT + 2),
]
"""As those, but a prefix, an answer or a text is too long for the kernel of short ones."""


@pytest.fixture(scope="module", params=FAMILIES)
def case(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Reader, Any]]:
    """The reader of one family's replica, and the plain reading of a text."""
    family, folder = request.param, tmp_path_factory.mktemp(request.param)
    if family == "ziya":
        weights, shape, head = ziya_replica.write(folder), ziya_replica.SHAPE, ziya_replica.HEAD
    else:
        weights = classifier_replica.write(folder, family)
        shape, head = classifier_replica.shape_of(family), classifier_replica.HEAD
    model = TransformersRewardModel.load(str(folder), device="cpu")
    yield _reader(model), lambda ids: plain_llama.reward(ids, weights, shape, head)
    model.close()


def _reader(model: TransformersRewardModel) -> Any:
    return model._batcher._forward


def planned(reader: Reader, texts: Sequence[list[int]], max_tokens: int) -> list[float]:
    """The rewards out of the rows that the reader itself plans, in the order of the texts."""
    found: dict[int, float] = {}
    for batch in reader.plan(texts, max_tokens):
        found.update(zip(batch.indices, values(reader(batch)), strict=True))
    assert sorted(found) == list(range(len(texts)))
    return [found[i] for i in range(len(texts))]


@pytest.mark.parametrize("max_tokens", [1, 40, 100, 10_000])
def test_a_packed_text_has_the_reward_of_the_text_alone(
    case: tuple[Reader, Any], max_tokens: int
) -> None:
    reader, plain = case
    assert isinstance(reader, PackedReader)
    expected = [plain(ids) for ids in TEXTS]
    assert planned(reader, TEXTS, max_tokens) == pytest.approx(expected, abs=1e-5)
    assert [values(reader([ids]))[0] for ids in TEXTS] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("max_tokens", [400, 10_000])
def test_a_long_text_has_the_reward_of_the_text_alone(
    case: tuple[Any, Any], max_tokens: int
) -> None:
    reader, _ = case
    texts = LONG + TEXTS
    # Not the plain reading: its angles are of float64, which at place 356 moves one by 1.4e-5.
    reader.model.set_attn_implementation("sdpa")
    expected = [values(PaddedReader(reader.model, reader._head)([ids]))[0] for ids in texts]
    reader.model.set_attn_implementation(NAME)
    assert planned(reader, texts, max_tokens) == pytest.approx(expected, abs=1e-5)


def test_neither_order_nor_neighbours_matter(case: tuple[Reader, Any]) -> None:
    reader, _ = case
    order = list(range(len(TEXTS)))
    random.Random(1).shuffle(order)
    expected = values(reader(TEXTS))
    shuffled = dict(zip(order, values(reader([TEXTS[i] for i in order])), strict=True))
    assert [shuffled[i] for i in range(len(TEXTS))] == pytest.approx(expected, abs=1e-5)
    some_of_them = values(reader(TEXTS[:3] + TEXTS[7:]))
    assert some_of_them == pytest.approx(expected[:3] + expected[7:], abs=1e-5)


@contextmanager
def row_lengths(reader: Any) -> Iterator[list[int]]:
    """Tokens of each row that goes through the trunk meanwhile."""
    lengths: list[int] = []

    def note(trunk: Any, given: Any, named: dict[str, Any]) -> None:
        assert named["input_ids"].shape[0] == 1
        lengths.append(named["input_ids"].shape[1])

    hook = reader.model.register_forward_pre_hook(note, with_kwargs=True)
    yield lengths
    hook.remove()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[PackedReader]:
    classifier_replica.write(tmp_path)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    yield _reader(model)
    model.close()


def test_a_prompt_goes_through_the_trunk_once(reader: PackedReader) -> None:
    texts = behind(some(80), *range(1, 17))
    with row_lengths(reader) as lengths:
        planned(reader, texts, 1000)
    assert lengths == [80 + sum(range(1, 17))]


def test_a_group_above_the_budget_computes_its_prompt_once_too(reader: PackedReader) -> None:
    texts = behind(some(80), *[20] * 16)
    with row_lengths(reader) as lengths:
        planned(reader, texts, 100)
    assert sum(lengths) == 80 + 16 * 20
    assert max(lengths) == 100


def alone(reader: PackedReader, text: list[int]) -> float:
    """The reward without anything that was kept."""
    reader.release()
    (value,) = values(reader([text]))
    reader.release()
    return value


@pytest.mark.parametrize("first", [1, 2])
def test_candidates_of_the_same_prompt_that_come_later_find_it(
    reader: PackedReader, first: int
) -> None:
    texts = behind(some(80), 5, 6, 7)
    expected = [alone(reader, text) for text in texts]
    with row_lengths(reader) as lengths:
        found = [*reader(texts[:first]), *reader(texts[first:])]
    assert sum(lengths) == 80 + 5 + 6 + 7
    assert [reading.tokens for reading in found] == [80 + 5, 6, 7]
    assert values(found) == pytest.approx(expected, abs=1e-5)


def test_prompts_whose_candidates_come_in_turn_are_all_kept(reader: PackedReader) -> None:
    prompts = [some(60) for _ in range(5)]
    texts = [text for _ in range(3) for prompt in prompts for text in behind(prompt, 8)]
    expected = [alone(reader, text) for text in texts]
    with row_lengths(reader) as lengths:
        found = [values(reader([text]))[0] for text in texts]
    assert sum(lengths) == 5 * 60 + 15 * 8
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_prompt_that_goes_beyond_a_known_one_is_kept_whole(reader: PackedReader) -> None:
    system = some(30)
    reader(behind(system, 5))
    longer = [*system, *some(50)]
    texts = behind(longer, 6, 7)
    expected = [alone(reader, text) for text in texts]
    reader(behind(system, 5))
    with row_lengths(reader) as lengths:
        found = [values(reader([text]))[0] for text in texts]
    assert lengths == [50 + 6, 7]
    assert found == pytest.approx(expected, abs=1e-5)


def test_the_longest_unused_go_where_too_much_would_be_kept(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu", cache_tokens=120)
    reader = _reader(model)
    one, two, three = some(40), some(40), some(40)
    for prompt in (one, two, one, three):
        reader(behind(prompt, 5, 6))
    assert [list(kept.ids) for kept in reader._cache._entries] == [two, one, three]
    reader(behind(some(40), 5, 6))
    assert [list(kept.ids) for kept in reader._cache._entries][:2] == [one, three]
    reader(behind(some(200), 5, 6))
    assert reader._cache.tokens == 200
    model.close()


def test_what_is_kept_is_prefixes_and_not_the_row(reader: PackedReader) -> None:
    for _ in range(3):
        reader(behind(some(40), 5, 6) + behind(some(50), 5, 6))
        for kept in reader._cache._entries:
            assert len(kept.ids) in (40, 50)
            for keys, values_ in kept.layers:
                assert keys.shape == values_.shape == (2, len(kept.ids), 12)
                assert keys.untyped_storage().nbytes() == keys.numel() * 4


def test_nothing_is_shared_from_the_first_place_on(tmp_path: Path) -> None:
    """Steps that several texts begin with are read in each of them."""
    classifier_replica.write(tmp_path)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    mark, head = 7, _reader(model)._head.module
    marks = Head(head, lambda ids: [i for i, token in enumerate(ids) if token == mark])
    prompt = [8 + token % 300 for token in some(40)]
    step = [9, 10, mark]
    texts = [[*prompt, *step, 11, mark], [*prompt, *step, 12, 13, mark], [*prompt, 14, mark]]
    trunk = _reader(model).model
    packed = PackedReader(trunk, marks, 1000)
    expected = [PackedReader(trunk, marks, 1000)([text])[0].values for text in texts]
    for _ in range(2):
        found = [reading.values for reading in packed(texts)]
        for one, other in zip(found, expected, strict=True):
            assert one == pytest.approx(other, abs=1e-5)
    model.close()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_ranks_alike(tmp_path: Path, dtype: str) -> None:
    """Within 0.05, where batch shapes alone move rewards."""
    weights = classifier_replica.write(tmp_path)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu", dtype=dtype)
    shape = classifier_replica.shape_of("llama")
    expected = [plain_llama.reward(ids, weights, shape, "score") for ids in TEXTS]
    assert isinstance(_reader(model), PackedReader)
    assert values(_reader(model)(TEXTS)) == pytest.approx(expected, abs=0.05)
    model.close()


@pytest.mark.parametrize(
    ("family", "changes", "said"),
    [
        ("mistral", {"sliding_window": 8}, "attention in a sliding window"),
        (
            "qwen2",
            {
                "use_sliding_window": True,
                "sliding_window": 8,
                "max_window_layers": 1,
                "layer_types": ["full_attention", "sliding_attention", "sliding_attention"],
            },
            "layers with sliding_attention",
        ),
    ],
)
def test_what_cannot_be_packed_is_read_whole_and_the_log_says_why(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    family: str,
    changes: dict[str, Any],
    said: str,
) -> None:
    classifier_replica.write(tmp_path, family, changes=changes)
    with caplog.at_level(logging.INFO, "bestofn.rewards"):
        model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    reader = _reader(model)
    assert isinstance(reader, PaddedReader)
    (line,) = [r.getMessage() for r in caplog.records if "scored whole" in r.getMessage()]
    assert line.endswith(said)
    alone = [values(reader([ids]))[0] for ids in TEXTS]
    assert values(reader(TEXTS)) == pytest.approx(alone, abs=1e-5)
    model.close()


def test_a_probe_that_differs_means_whole_texts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier_replica.write(tmp_path)
    monkeypatch.setattr(
        PackedReader, "__call__", lambda self, texts: [Reading((9.0,), 1)] * len(texts)
    )
    with caplog.at_level(logging.INFO, "bestofn.rewards"):
        model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    assert isinstance(_reader(model), PaddedReader)
    assert "a probe that gives 9 instead of" in caplog.text
    assert torch.isfinite(torch.tensor(values(_reader(model)(TEXTS)))).all()
    model.close()
