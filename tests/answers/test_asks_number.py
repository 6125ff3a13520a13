"""Prompts that ask for a number, and those whose answers only happen to hold one."""

from __future__ import annotations

import time

import pytest

from bestofn.answers.asks_number import asks_number


@pytest.mark.parametrize(
    "prompt",
    ["5 + 3?", "2 * 1?", "What is 9-3?", "What's 9/3?", "9-3", "What is 7 times 8?", "12 × 4 = ?",
     "What is 20% of 50?", "If 2x + 3 = 7, what is x?", "Solve for x: 2x = 6.", "Compute 6!.",
     "I had 7 shells and lost 3. How many are left?", "How many legs has a spider? One word.",
     "How much is it?", "How old is she if he is 7, and she was born in the year after?",
     "If I had 7 and lost 3, how many are left?", "Please calculate the area.", "How far is it?",
     "What is the sum of both?", "What is the total number of sides?", "Which is larger, 5 or 3?",
     "Alice said 'who?'. What is the average age of the others?", "In what year did it end?",
     "一天有多少小时？", "3月的下一个月是几月？", "5加3等于几？", "5和9哪个大？", "¿Cuántos son?",
     "Combien en reste-t-il ?", "Wie viele sind es?", "How much change does he get?",
     "Who came?\n\nHow many were they?", "Where we were\n\nHow many came?",
     "How many were they? " + "A text. " * 30, "word " * 5000 + "How many words?"],
)  # fmt: skip
def test_a_number_is_asked_for(prompt: str) -> None:
    assert asks_number(prompt)


@pytest.mark.parametrize(
    "prompt",
    ["", "x", "When is it?", "Who won?", "Who won, and by how many points?", "What happens then?",
     "There were 5 + 3 goals. Who won?", "How many came? I forgot. Where was it?",
     "What is the capital of France?", "Which team won, and by how much?", "Why is it 5 + 3?",
     "How much did the price change?", "What is a dozen?", "法国的首都是哪里？", "谁赢了几分？",
     "请按要求回答。", "What is on May 5?", "Is it 7-zip?", "How do prices move?",
     "Count to 3.\n\nWho won?", "What happens to the price?", "What did the total make him do?"],
)  # fmt: skip
def test_something_else_is_asked_for(prompt: str) -> None:
    assert not asks_number(prompt)


@pytest.mark.parametrize(
    "part", ["?", "a", "how much does ", "what a and ", "1 - ", "1/1", ". ", "\n", "what ", "a b "]
)
def test_a_long_prompt_takes_no_time(part: str) -> None:
    began = time.process_time()
    asks_number(part * 100_000)
    assert time.process_time() - began < 5
