"""Which texts are grouped by what they begin with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bestofn.rewards.local.shared_prefixes import PrefixGroup, group_by_prefix

TEXTS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), max_size=12)


def whole(texts: list[list[int]]) -> list[PrefixGroup]:
    """The groups of texts that are read at their last token."""
    return group_by_prefix(texts, [len(text) - 1 for text in texts])


def saved(groups: list[PrefixGroup]) -> int:
    return sum(group.prefix * (len(group.members) - 1) for group in groups)


@given(TEXTS)
def test_every_text_is_in_one_group_and_goes_on_behind_its_prefix(texts: list[list[int]]) -> None:
    groups = whole(texts)
    assert sorted(i for group in groups for i in group.members) == list(range(len(texts)))
    for group in groups:
        assert {tuple(texts[i][: group.prefix]) for i in group.members} == {
            tuple(texts[group.members[0]][: group.prefix])
        }
        assert all(len(texts[i]) > group.prefix for i in group.members)
        assert group.prefix == 0 or len(group.members) > 1
        assert list(group.members) == sorted(group.members)


@given(TEXTS)
def test_parting_saves_at_least_as_much_as_one_group(texts: list[list[int]]) -> None:
    shortest = min((len(text) for text in texts), default=1)
    common = 0
    while common < shortest - 1 and len({tuple(text[: common + 1]) for text in texts}) == 1:
        common += 1
    assert saved(whole(texts)) >= common * (len(texts) - 1)


def test_prompts_that_share_a_system_prompt_are_groups_of_their_own() -> None:
    system = [1] * 10
    first, second = [*system, 2, 2, 2, 2], [*system, 3, 3, 3, 3]
    texts = [[*prompt, answer] for answer in (5, 6, 7) for prompt in (first, second)]
    assert whole(texts) == [PrefixGroup(14, (0, 2, 4)), PrefixGroup(14, (1, 3, 5))]


def test_equal_texts_share_all_but_the_last_token() -> None:
    assert whole([[4, 5, 6], [4, 5, 6]]) == [PrefixGroup(2, (0, 1))]
    assert whole([[4], [4]])[0].prefix == 0
    assert whole([]) == []


def test_nothing_is_shared_beyond_a_limit() -> None:
    assert group_by_prefix([[4, 5, 6, 7], [4, 5, 6, 8]], [2, 3]) == [PrefixGroup(2, (0, 1))]
