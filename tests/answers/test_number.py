r"""Numbers and boxed mathematics: what says the same has the same key, what does not has not."""

from __future__ import annotations

import time

import pytest

from bestofn.answers.number import NumberKey
from bestofn.answers.numbers import found_in, normal
from tests.support.answers import key_of

SAME: list[tuple[str, ...]] = [
    (r"\boxed{1,200}", r"So it is \boxed{1200.0}.", "#### 1200", "It is 1,200."),
    (r"\boxed{\frac{1}{2}}", r"\boxed{\dfrac12}", r"\boxed{0.5}", r"\boxed{1/2}"),
    ("It is 1 / 2.", "50%", r"\boxed{50\%}", "0.5", ".5"),
    (r"\boxed{-\frac{3}{4}}", "The answer is -0.75.", "−0.75", r"$\boxed{-3/4}$"),
    (r"\boxed{x = 5}", r"\boxed{5\text{ cm}}", r"\boxed{ 5 }", r"\boxed{\mathbf{5}}", "**5**"),
    (r"\boxed{\$1,200}", r"\boxed{1200}", "#### **1200**", "The answer must be $1,200."),
    (r"\boxed{2\frac{1}{2}}", "2.5", r"\boxed{5/2}"),
    (r"\boxed{3 \times 10^{4}}", "30000", r"\boxed{3\cdot10^4}", "30,000"),
    (r"\boxed{90^\circ}", r"\boxed{90°}", "90"),
    (r"\boxed{\left(1, 2\right)}", r"\boxed{(1,2)}", r"\boxed{(1,\,2)}"),
    (r"\boxed{x^{2}+1}", r"\boxed{x^2 + 1}", r"\boxed{ x^2+1. }"),
    (r"\boxed{\text{Yes}}", r"\boxed{yes}"),
    ("答案是12。", "所以答案：12", "3加9等于12。", "等于 12 个"),
    ("<think>It may be 7 or 8.</think>It is 9.", "9"),
    ("First \\boxed{1}, no: \\boxed{2}", "2"),
    ("The answer is 42, since 6 * 7 = 42 and not 36.", r"\boxed{42}"),
    ("Answer: **17** (there are 3 more)", "17"),
    ("The answer is $8 ($5 + $3 = $8).", "The answer is $8 (=$5 + $3)", "The answer is 8 = 5 + 3",
     "The answer is $5 + $3 = $8.", "The answer is 2(4) = 8.", "Answer: (2)(4)=8",
     "Answer: $8 (~$9)", "The answer is $8 (2×$4).", "8"),
    ("The answer is: 12. We needed 3 steps.", "The final answer is: $12$ (3 boxes of 4).",
     r"The answer is \(12\), from 3 boxes.", "**Answer:** 12 apples (3 boxes)", "答案是：12，共3步",
     "The answer is:\n\n$$\n12\n$$\nin 3 steps", "**Answer**: `12` (3 boxes)", "12"),
    ("#### Step 3\nIt is 5.", "#### 5", "5 #### 5", "#### 5\n\nThat took 2 steps.", "#### $5"),
    ("It is 5.\n#### Conclusion", "The answer is 5: see 2.\n\n#### 3. Notes", "Answer:\n5. Count"),
    ("It has 8 billion people.", "8,000,000,000", r"\boxed{8 \text{ billion}}", "80亿",
     "The answer is 8 billion, of which 4 billion are there.", "#### 8 Billion", "8000 millions"),
    ("The answer is minus 3, not 5.", "-3", "It is negative 3.", "负3", "**minus 3**", "x = -3"),
    ("He weighs 5千克", "5"),
    ("As 5 > 3 it is 3", "=> 3", "> 3", "<b>3</b>", "-> 3"),
    ("2 ½", "2.5", "5/2"),
    (r"\boxed{10^{-2}}", "0.01", "1%"),
    ("Hence the area is 30 m².", "30 m^2", "30", "It is 30 (source²).", "30 footnotes¹"),
    ("a = 9.8 m/s²", "9.8 m/s^2", "9.8"),
    ("2⁸", "2^8", "256", r"\boxed{2^{8}}"),
    ("½ million", "1/2 million", "0.5 million", "500,000"),
    ("10 apples minus 3", "3"),
    ("The answer is 10^6, or 2 of 500.", "The answer is $10^{6}$.", "10⁶", "1,000,000"),
    ("The answer is 3.2 × 10^5 (2 digits).", "so 3.2e5", r"It is $3.2 \times 10^{5}$", "320000",
     "答案是3.2×10⁵，共6位。", "The result is 3.2 * 10^5"),
    ("The answer is 2√2, with 1 root.", r"The answer is $2\sqrt{2}$.", r"\boxed{2\sqrt{2}}"),
    (r"The answer is 2\frac{1}{2}, in 4 steps", r"Answer: $\dfrac{5}{2}$", r"so \frac{5}{2}",
     "The answer is 2 1/2 cups, of 8.", "2.5"),
    ("The answer is **8.4** million, not 3.", "The answer is $8.4$ million (2).", "8.4 million",
     r"The answer is $8.4\text{ million}$"),
    ("The answer is $1,000 + $500 = $1,500.", "The answer is $1,500."),
    ("The answer is 5 * 3 = 15, by 2 steps.", "the result is 3*5=15 (1)",
     "Answer: $3x = 15$", "15"),
    ("The answer is 5km, not 3.", "The answer is 5!", "The answer is $5, not $6", r"Answer: $\$5$",
     "The answer is 5 m^2", r"The answer is $5^{\text{th}}$", "5"),
    ("The answer is (3, 4), not 1.", r"Answer: $(3, 4)$.", r"\boxed{(3,4)}"),
    ("The answer is 2π, of 7.", r"The answer is $2\pi$"),
    (r"\boxed{30 \text{ cm}^2}", r"The answer is \(30 \text{ cm}^2\).",
     r"\boxed{30\,\mathrm{cm}^2}", r"\boxed{30\text{ m/s}^{2}}", r"\boxed{30 cm}",
     r"\boxed{30^{\circ}C}", r"\boxed{30\degree}", "#### 30 dollars", "#### 30元",
     "#### $30 per day", "30"),
    ("The answer is -$5", "The profit is -$5.00.", "minus $5", "negative $5", r"\boxed{-\$5}",
     "7 minus 12 equals negative 5.", "which gives negative 5", "-5"),
    ("The answer is 5 x 10^3", "The answer is 5·10^3 (1)", "so it is 5·10^3", "5000"),
    ("First.\n**Final Answer:**\n\n5 apples\n\n(check: 2 + 1 = 3)", "答案是：\n5\n共3步", "5"),
    ("The answer is approximately 5.2 (3 steps).", "The answer is about **5.2** hours (3)",
     "The answer is ≈ 5.2 (3)", "Answer: €5.2 (3)", "Answer: US$5.2 (3)", "**答案**：5.2 (3)",
     "答案约为5.2（3）", "答案就是5.2，3步", "结果为5.2，3步", "5.2"),
    (r"\boxed{1{,}234}", "so we get 1{,}234", r"\boxed{1,\!234}", "1234"),
    (r"\boxed{5 \text{ percent}}", r"\boxed{5}\%", "百分之5", "5 percent", r"It is 5\%", "5%"),
    (r"\boxed{5} million", r"\boxed{ 5 } million", r"\boxed{5 \text{ million}}", "5000000"),
    (r"so it is \frac12", "2分之1", "In 2020 1/2 of them left", "1/2"),
    (r"\boxed{\ge 3}", r"\boxed{\geq 3}", r"\boxed{≥3}"),
    (r"\boxed{-2^4}", "-16"),
    ("The answer is 42: 6 * 7.", "The answer is 42 – 6 boxes of 7.", "The answer is 42 - see 6",
     "42"),
]  # fmt: skip

DIFFERENT: list[tuple[str, str]] = [
    ("1.5", "15"),
    ("1,5", "1.5"),
    ("-3", "3"),
    (r"\boxed{\frac{1}{2}}", r"\boxed{12}"),
    (r"\boxed{1\frac12}", r"\boxed{11/2}"),
    (r"\boxed{2^{10}}", r"\boxed{2^{11}}"),
    (r"\boxed{(1,2)}", r"\boxed{(2,1)}"),
    (r"\boxed{\sqrt{2}}", r"\boxed{2}"),
    (r"\boxed{x_1}", r"\boxed{x_2}"),
    ("50%", "50"),
    ("8 billion", "8 million"),
    ("14亿", "14万"),
    ("It is minus 3.", "It is 3."),
    ("It is √2.", "It is 2."),
    ("x = ±3", "x = 3"),
    ("So x > 3", "So x = 3"),
    ("It is 4π", "It is 4"),
    ("It is 10³", "It is 103"),
    ("a = 9.8 m/s²", "a = 4.9 m/s²"),
    ("The answer is 2 thousand.", "The answer is 2."),
    (r"so it is \frac{1}{2}", r"so it is \frac{3}{2}"),
    ("so it is 3.2 × 10^5", "so it is 4.1 × 10^5"),
    ("The answer is 2^n.", "The answer is 2."),
    ("The answer is 5x + 3.", "The answer is 5."),
    ("The answer is 3:45.", "The answer is 3."),
    ("The answer is (3, 4).", "The answer is (3, 5)."),
    ("The answer is 2 + √3.", "The answer is 2."),
    (r"The answer is $\frac{\pi}{2}$.", "The answer is 2."),
    ("The answer is 7 9/10", "The answer is 7"),
    (r"\boxed{3 \text{ or } 5}", r"\boxed{35}"),
    (r"\boxed{3, 100}", r"\boxed{3,100}"),
    (r"\boxed{3\text{:}45}", r"\boxed{345}"),
    ("The answer is √3/2.", "The answer is √3."),
    ("The answer is √2 + 1.", "The answer is √2 + 5."),
    ("The answer is 2^3 * 5.", "The answer is 2^3 * 7."),
    ("The answer is 3x.", "The answer is 3."),
    ("The answer is 5 ± 2.", "The answer is 5."),
    ("The answer is $(x+1)(x-2)$.", "The answer is $(x-1)(x+2)$."),
    ("The answer is [3, 4].", "The answer is (3, 4)."),
    ("The answer is (-∞, 3].", "The answer is 3."),
    ("The answer is 3 or 5.", "The answer is 3 and 7."),
    ("The answer is 3 to 5.", "The answer is 3."),
    ("The answer is 5 hours and 30 minutes", "The answer is 5 hours"),
    ("答案是5万3千", "答案是5万"),
    (r"so x = \frac{\sqrt{3}}{2}.", r"so x = \frac{\sqrt{5}}{2}."),
    (r"\boxed{-2^4}", r"\boxed{2^4}"),
    (r"\boxed{3xy}", r"\boxed{3}"),
    (r"\boxed{2 i}", r"\boxed{2}"),
    (r"\boxed{2 thirds}", r"\boxed{2}"),
]


@pytest.mark.parametrize("texts", SAME, ids=lambda each: each[0])
def test_what_says_the_same_has_one_key(texts: tuple[str, ...]) -> None:
    keys = {text: key_of(NumberKey(), text) for text in texts}
    assert None not in keys.values(), keys
    assert len(set(keys.values())) == 1, keys


@pytest.mark.parametrize("texts", DIFFERENT, ids=lambda each: each[0])
def test_what_does_not_has_two(texts: tuple[str, str]) -> None:
    one, other = (key_of(NumberKey(), text) for text in texts)
    assert one is not None
    assert one != other


@pytest.mark.parametrize("text", ["", "no number", r"\boxed{}", r"\boxed{" + "x" * 300 + "}"])
def test_what_has_no_answer_does_not_vote(text: str) -> None:
    assert key_of(NumberKey(), text) is None


def test_only_what_is_announced_counts_where_bare_numbers_do_not() -> None:
    assert key_of(NumberKey(bare=False), "It costs 3 or 4") is None
    assert key_of(NumberKey(bare=False), "The answer is 4") == "4"


def test_numbers_are_found_as_they_are_written() -> None:
    text = "2 shirts at $1,200.50 each, 50% off; 3-4 days, -7 degrees, v2 and 1.2.3"
    assert found_in(text)[:6] == ["2", "1,200.50", "50%", "3", "4", "-7"]
    assert found_in("5+3=8") == ["5", "3", "8"]
    assert found_in("(1,2), 12,34 and 1,200,000") == ["1", "2", "12", "34", "1,200,000"]
    assert found_in("5和9相比,9更大") == ["5", "9", "9"]


@pytest.mark.parametrize(
    "text",
    [r"\boxed{1e999999999}", r"\boxed{10^{9999999}}", "9" * 100_000, "\\boxed{" * 5000],
)
def test_no_answer_takes_long(text: str) -> None:
    began = time.process_time()
    key_of(NumberKey(), text)
    assert time.process_time() - began < 10


def test_the_time_is_linear_in_the_length() -> None:
    began = time.process_time()
    for text in (
        "1 " * 50_000,
        "1," * 50_000,
        "- " * 50_000,
        "\\boxed{1} " * 10_000,
        " " * 100_000,
        "#### " * 30_000,
        "####" * 30_000 + "1",
        "answer: " + "$$\n" * 30_000,
        "answer:" + "1," * 50_000,
    ):
        key_of(NumberKey(), text)
    assert time.process_time() - began < 20


def test_a_division_by_zero_is_no_number() -> None:
    assert normal("1/0") == "1/0"


@pytest.mark.long
def test_math_verify_reads_what_is_no_number() -> None:
    pytest.importorskip("math_verify")
    symbolic = NumberKey(math_verify=True)
    one = key_of(symbolic, r"\boxed{\frac{1}{\sqrt{2}}}")
    assert one is not None
    assert one == key_of(symbolic, r"\boxed{\frac{\sqrt{2}}{2}}")
    assert one != key_of(symbolic, r"\boxed{\sqrt{2}}")
    assert key_of(symbolic, r"\boxed{8\text{ million}}") == key_of(symbolic, r"\boxed{8000000}")
    assert key_of(NumberKey(), r"\boxed{\frac{1}{\sqrt{2}}}") != key_of(
        NumberKey(), r"\boxed{\frac{\sqrt{2}}{2}}"
    )
    began = time.process_time()
    for costly in ("9^{9^{9^9}}", "99999999!", r"\sum_{n=1}^{\infty} n", "9^99999999"):
        assert key_of(symbolic, rf"\boxed{{{costly}}}") is not None
    assert time.process_time() - began < 10
    assert key_of(symbolic, r"\boxed{0.5}") == key_of(symbolic, r"\boxed{\frac12}")
