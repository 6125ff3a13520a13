"""The mathematics verifier, with math-verify in a process of its own."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator

import pytest

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Failure, Request
from bestofn.rewards.verifiers.cost import takes_for_ever
from bestofn.rewards.verifiers.math import check
from bestofn.rewards.verifiers.open import open_verifier
from bestofn.rewards.verifiers.verifier import VerifierRewardModel
from bestofn.settings.verifier import VerifierSettings
from tests.support.rewards.answering import candidates_of

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("math_verify") is None, reason="needs the extra math"
)


@pytest.fixture(scope="module")
async def mathematics() -> AsyncIterator[VerifierRewardModel]:
    opened = open_verifier(VerifierSettings(check="math", concurrency=2))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("reference", "right", "wrong"),
    [
        ("1/2", ["0.5", r"so it is $\frac{1}{2}$", r"\boxed{\dfrac12}", "1/2"], ["$0.49$", "2"]),
        (5, ["The answer is 5.", "3 + 2 = 5", r"$\boxed{5.0}$"], ["The answer is 6.", "5 or 6: 6"]),
        ("steps\n#### 1,200", ["It costs $1200$"], ["It costs $120$"]),
        (r"\{1, 2\}", [r"$\{2, 1\}$", r"\boxed{\{1,2\}}"], [r"$\{1, 3\}$"]),
        ("x^2 + 2x + 1", [r"$(x+1)^2$"], [r"$(x-1)^2$"]),
        (1e-05, ["0.00001", "It is 0.00001.", "$0.00001$"], ["$e-5$", "1", "0.0001"]),
        (1e16, ["10000000000000000"], ["1"]),
        (36000, ["She earns 36000!", "**36000!**\n\nSo it is."], ["$36!$"]),
        (3, ["<think>first I had 4</think>It is 3"], ["<think>3</think>It is 4"]),
        (7, [], ["", "I do not know", "}{$$\\frac{"]),
    ],
)
async def test_equal_forms_are_right_and_others_wrong(
    mathematics: VerifierRewardModel, reference: object, right: list[str], wrong: list[str]
) -> None:
    request = Request.from_prompt("?", reference=reference)
    scores = await mathematics.score(request, candidates_of([*right, *wrong]))
    assert [score.reward for score in scores] == [1.0] * len(right) + [0.0] * len(wrong)


async def test_without_a_reference_nothing_is_judged(mathematics: VerifierRewardModel) -> None:
    (score,) = await mathematics.score(Request.from_prompt("?"), candidates_of(["5"]))
    assert score.failure is not None
    assert score.failure.reason == "no_reference"
    (score,) = await mathematics.score(
        Request.from_prompt("?", reference={"answer": 5}), candidates_of(["5"])
    )
    assert score.failure is not None
    assert score.failure.reason == "unusable_reference"


async def test_a_formula_that_never_ends_fails_alone() -> None:
    endless = r"$9^{9^{9^{9}}}$"
    opened = open_verifier(VerifierSettings(check="math", timeout=2, concurrency=2))
    try:
        request = Request.from_prompt("?", reference="1")
        first, second = await opened.score(request, candidates_of([endless, "$1$"]))
        assert second.reward == 1.0
        assert first.reward is None
        assert first.failure is not None
        assert first.failure.reason == "verifier_timeout"
    finally:
        opened.close()


def test_without_math_verify_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'bestofn-middleware\[math\]'"):
        open_verifier(VerifierSettings(check="math"))


@pytest.mark.parametrize(
    ("text", "costly"),
    [
        ("2**2**2**2**2**7", True),
        ("10^{10^{10}}", True),
        ("$10^(10^(10^10))$", True),
        ("factorial(10**9)", True),
        ("$99999!$", True),
        ("$$\n99999!\n$$", True),
        ("\\[\n99999!\n\\]", True),
        ("\\(99999! x\\)", True),
        ("\\boxed{99999!\n}", True),
        ("$\\frac{99999!}{3}$", True),
        ("99999! / 2", False),
        ("She earns 99999!! She pays $5 of 99999! and $6.", False),
        ("99999! 5 of these, **99999!** is it, 99999!</answer>", False),
        ("(99999!)", False),
        ("99999!", False),
        ("She earns 99999! Well done.", False),
        ('They said "**99999!**"\n\nSo it is.', False),
        ("7" * 10_000 + "^" * 10_000, False),
        ("e^{x^2} + 2^{2^3}", False),
        ("x^2 + y^2 + 3^2", False),
        ("2^{1000} and 7!", False),
    ],
)
def test_what_would_take_for_ever_is_seen_before_it_is_read(text: str, costly: bool) -> None:
    assert takes_for_ever(text) is costly
    if costly:
        request = Request.from_prompt("What?", reference="3")
        answer = Candidate(0, {"role": "assistant", "content": text}, "stop")
        found = check(request, answer, precision=6, strict=True)
        assert isinstance(found, Failure)
        assert found.reason == "verifier_timeout"
