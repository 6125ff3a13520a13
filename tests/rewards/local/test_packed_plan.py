"""A plan groups texts once, and a batch keeps its groups when somebody leaves."""

from __future__ import annotations

import pytest

from bestofn.rewards.local import packed_plan
from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.packed_layout import PackedLayout
from bestofn.rewards.local.packed_plan import plan_batches
from bestofn.rewards.local.prefix_cache import PrefixCache
from bestofn.rewards.local.shared_prefixes import PrefixGroup
from bestofn.rewards.text.positions import last_token

PROMPT = list(range(100, 140))
TEXTS = [[1, 2, 3], [*PROMPT, 1, 2], [4, 5], [*PROMPT, 3], [*PROMPT, 4, 5, 6]]


def planned(max_tokens: int) -> list[Batch]:
    return plan_batches(TEXTS, last_token, PrefixCache(1000), max_tokens)


def test_a_batch_says_which_of_its_texts_share_what() -> None:
    (batch,) = planned(1000)
    assert batch.indices == [1, 3, 4, 0, 2]
    assert list(batch) == [TEXTS[i] for i in batch.indices]
    assert batch.groups == [PrefixGroup(40, (0, 1, 2)), PrefixGroup(0, (3,)), PrefixGroup(0, (4,))]


def test_a_group_above_the_budget_is_parted_and_one_text_alone_shares_nothing() -> None:
    batches = planned(43)
    assert [batch.indices for batch in batches] == [[1, 3], [4], [0, 2]]
    assert [batch.groups for batch in batches[:2]] == [
        [PrefixGroup(40, (0, 1))],
        [PrefixGroup(0, (0,))],
    ]


def test_who_leaves_takes_nothing_along() -> None:
    (batch,) = planned(1000)
    left = batch.only([True, False, True, False, True])
    assert left.indices == [1, 4, 2]
    assert list(left) == [TEXTS[i] for i in left.indices]
    assert left.groups == [PrefixGroup(40, (0, 1)), PrefixGroup(0, (2,))]
    assert batch.only([False, True, False, True, False]).groups == [
        PrefixGroup(0, (0,)),
        PrefixGroup(0, (1,)),
    ]
    assert batch.only([True] * 5) is batch


def test_a_layout_does_not_group_again(monkeypatch: pytest.MonkeyPatch) -> None:
    (batch,) = planned(1000)
    monkeypatch.delattr(packed_plan, "group_by_prefix")
    layout = PackedLayout(batch, last_token, PrefixCache(1000))
    assert len(layout.ids) == 40 + 2 + 1 + 3 + 3 + 2
    assert layout.computed == [42, 1, 3, 3, 2]
