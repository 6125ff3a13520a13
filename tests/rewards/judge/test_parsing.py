"""Replies that hold a verdict are read, and all others are not."""

from __future__ import annotations

import pytest

from bestofn.rewards.judge.parsing import parse_ranking, parse_score, parse_winner


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ('{"reasoning": "{good}", "score": 7}', 7),
        ('{\n  "reasoning": "line\\nline",\n  "score": 7.5\n}\n', 7.5),
        ('Well.\n```json\n{\n"reasoning": "a", "score": 3\n}\n```', 3),
        ('It is right.\n{"score": 10}', 10),
        ("It is right.\n\n**Score:** 8", 8),
        ("Score: 1", 1),
        ("score = 8/10.", 8),
        ('<think>Score: 2 perhaps\n{"score": 3}</think>{"score": 9}', 9),
        ('{"score": "4"}', 4),
        ("It is right.\n\n### Score: 8", 8),
        ("- Score: 8", 8),
        ("* **Score**: 8", 8),
        ("> Score: 8", 8),
        ("3. Score: 8.", 8),
        ("Score: [[8]]", 8),
        ("Score: [8]", 8),
        ("Score: [[8]]/10", 8),
        ("Score: (8)", 8),
        ("Score: 8 out of 10", 8),
        ("Score: 8 (out of 10).", 8),
        ("Score: 8 of 10 points", 8),
        ("## Final Score: **8.5/10**", 8.5),
        ("My overall score: 8", 8),
    ],
)
def test_scores_that_are_there(text: str, score: float) -> None:
    assert parse_score(text, 1, 10) == score


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "gives no score"),
        ("It is a good answer, 8 points.", "gives no score"),
        ("Score: 8\nor maybe not", "gives no score"),
        ('{"reasoning": "cut', "gives no score"),
        ("8", "gives no score"),
        ("Score: 11", "not from 1 to 10"),
        ("Score: 0", "not from 1 to 10"),
        ('{"score": -3}', "not from 1 to 10"),
        ('{"score": 1e999}', "not from 1 to 10"),
        ('{"score": NaN}', "not from 1 to 10"),
        ("Score: 4/5", "no number from 1 to 10"),
        ("Score: high", "no number from 1 to 10"),
        ("Score: 7 or 8", "no number from 1 to 10"),
        ("Score: [7, 8]", "no number from 1 to 10"),
        ("Score: [[7]] [[8]]", "no number from 1 to 10"),
        ("Score: 7 (8)", "no number from 1 to 10"),
        ("Score: 7-8", "no number from 1 to 10"),
        ("Score: 4 out of 5", "no number from 1 to 10"),
        ("Score: 80 out of 100", "no number from 1 to 10"),
        ("Score: 8 of them are right", "no number from 1 to 10"),
        ("Score: [[11]]", "not from 1 to 10"),
        ("### Score: 8\n### Score of B: 9", "gives no score"),
        ("Not a score: 8", "gives no score"),
        ("- Clarity score: 8", "gives no score"),
        ("#8 Score", "gives no score"),
        ('{"score": true}', "no number"),
        ('{"score": null}', "no number"),
        ('{"score": [7]}', "no number"),
        ("[" * 100_000, "gives no score"),
    ],
)
def test_scores_that_are_not(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse_score(text, 1, 10)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "text",
    [
        '{"ranking": [2, 3, 1]}',
        '{"ranking": ["2", "3", "1"]}',
        "Ranking: 2 > 3 > 1",
        "Ranking: [2, 3,1].",
        "Ranking: [2] > [3] > [1]",
        "### Final ranking: [[2]] > [[3]] > [[1]].",
        "- Ranking: Answer 2 > Answer 3 > Answer 1",
        "> Ranking: (2), (3), (1)",
    ],
)
def test_rankings_that_are_there(text: str) -> None:
    assert parse_ranking(text, 3) == [1, 2, 0]


@pytest.mark.parametrize(
    "ranking",
    [
        "[2, 3]",
        "[2, 3, 3]",
        "[2, 3, 1, 1]",
        "[0, 1, 2]",
        "[2.0, 3, 1]",
        '"2 > 3"',
        "7",
        "[[2, 3, 1]]",
    ],
)
def test_rankings_that_are_not(ranking: str) -> None:
    with pytest.raises(ValueError, match="each answer from 1 to 3 exactly once"):
        parse_ranking(f'{{"ranking": {ranking}}}', 3)


@pytest.mark.parametrize(
    "text",
    [
        "Ranking: [2] = [3] > [1]",
        "Ranking: [2] > [3]",
        "Ranking: [2] > [3] > [3]",
        "Ranking: [2] < [3] < [1]",
        "Ranking: 2 > 3 > 1 > 0",
    ],
)
def test_lines_that_give_no_ranking(text: str) -> None:
    with pytest.raises(ValueError, match="each answer from 1 to 3 exactly once"):
        parse_ranking(text, 3)


@pytest.mark.parametrize(
    ("text", "winner"),
    [
        ('{"better": "A"}', "A"),
        ("Better: **B**.", "B"),
        ("better: Tie", "tie"),
        ("### Better: [[A]]", "A"),
        ("- Better: Answer B", "B"),
        ("Better: (tie)", "tie"),
    ],
)
def test_winners_that_are_there(text: str, winner: str) -> None:
    assert parse_winner(text) == winner


@pytest.mark.parametrize(
    "text", ['{"better": "C"}', '{"better": ["A"]}', "Better: A or B", "Better: [[A]] [[B]]"]
)
def test_winners_that_are_not(text: str) -> None:
    with pytest.raises(ValueError, match="neither A, B nor tie"):
        parse_winner(text)
