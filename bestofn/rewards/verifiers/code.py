"""The code verifier: the program in an answer is run against tests, in the sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial as bound
from typing import Any, TypeGuard

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.verifiers.sandbox import client as sandbox
from bestofn.rewards.verifiers.sandbox.choice import choose
from bestofn.rewards.verifiers.sandbox.forms import Form
from bestofn.rewards.verifiers.sandbox.job import Job, Limits
from bestofn.rewards.verifiers.verdicts import UNUSABLE_REFERENCE
from bestofn.rewards.verifiers.verifier import VerifierRewardModel
from bestofn.support.code_block import extract_code

SECONDS = Limits().seconds
MEMORY_MB = Limits().memory_bytes // 2**20

Test = Callable[[str], Awaitable[bool | Failure]]
"""Whether a program passes."""


def code_verifier(
    *,
    partial: bool = False,
    timeout: float = SECONDS,
    memory_mb: int = MEMORY_MB,
    concurrency: int | None = None,
    unsafe: bool = False,
) -> VerifierRewardModel:
    """A verifier of Python programs: 1 where a program passes all tests of the reference, else 0.

    The reference is one of: Python that uses the program's names and raises where it is wrong (as
    HumanEval's ``check(...)``); a list of such texts, each a test of its own (as MBPP's asserts);
    ``{"stdin": ..., "stdout": ...}``, or a list of these, for a program that reads and prints.
    Printed texts are compared line by line, white space at the ends aside; a number stands for its
    digits, a list for its items on a line each. `Score.components` has
    the share of tests that were ``passed``.

    Tests run in another process than the program: what it returns reaches them as a value of
    Python's own types, arguments that it changes in place are changed for them too, and an object
    of a class of its own equals nothing but another of the program's. A test cannot derive from the
    program's classes.

    A program that takes too long, or too much of anything, does not pass. See
    `bestofn.rewards.verifiers.sandbox` for the walls that it runs behind.

    Failures: ``no_reference``; ``unusable_reference``; ``sandbox_error``.

    Args:
        partial: the reward is the share of tests passed; all of them are then run.
        timeout: seconds for one test.
        memory_mb: of address space for one process of a program, and of memory for all of its
            processes together, in MiB.
        concurrency: as `VerifierRewardModel`.
        unsafe: whether programs may run without walls, where there can be none.

    Raises:
        ConfigError: an argument is out of its range, or there can be no walls here, and programs
            may not run without.
    """
    for what, value in (("timeout", timeout), ("memory_mb", memory_mb)):
        if not 0 < value < float("inf"):
            raise ConfigError(f"{what} of the code verifier is {value}; it must be above 0")
    limits = Limits(seconds=timeout, memory_bytes=memory_mb * 2**20)
    return VerifierRewardModel(
        check,
        name="the code verifier",
        timeout=None,  # each test has its own
        concurrency=concurrency,
        needs_reference=True,
        options={"partial": partial, "limits": limits, "form": choose(unsafe=unsafe)},
    )


async def check(
    request: Request, candidate: Candidate, *, partial: bool, limits: Limits, form: Form
) -> Score | Failure:
    """Run the program in the answer against the reference's tests, one after the other."""
    tests = _tests(request.reference, limits, form)
    if isinstance(tests, Failure):
        return tests
    program = extract_code(candidate.text)
    passed = 0
    for test in tests:
        verdict = await test(program)
        if isinstance(verdict, Failure):
            return verdict
        passed += verdict
        if not verdict and not partial:
            break
    share = passed / len(tests)
    reward = share if partial else float(passed == len(tests))
    return Score(reward, components={"passed": share})


def _is_printing(test: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(test, dict) and {*test} == {"stdin", "stdout"}


def _written(value: Any) -> str | None:
    """What a program reads or prints, as text; None: it is nothing that a test can mean."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, list | tuple):
        return None
    lines = [None if isinstance(each, list | tuple) else _written(each) for each in value]
    return None if None in lines else "\n".join(map(str, lines))


def _tests(reference: Any, limits: Limits, form: Form) -> Sequence[Test] | Failure:
    given = reference if isinstance(reference, list | tuple) else [reference]
    tests: list[Test] = []
    for each in given:
        if isinstance(each, str) and each.strip():
            tests.append(bound(_holds, each, limits, form))
        elif _is_printing(each):
            given_in = "" if each["stdin"] is None else each["stdin"]
            texts = {"stdin": _written(given_in), "stdout": _written(each["stdout"])}
            told, printed = texts["stdin"], texts["stdout"]
            if told is None or printed is None:
                name = next(name for name, text in texts.items() if text is None)
                kind = "null" if each[name] is None else type(each[name]).__name__
                return Failure(UNUSABLE_REFERENCE, f"a test's {name} is no text, but {kind}")
            tests.append(bound(_prints, told, printed, limits, form))
        else:
            said = "an empty text" if isinstance(each, str) else type(each).__name__
            detail = f"a test is neither Python nor {{stdin, stdout}}, but {said}"
            return Failure(UNUSABLE_REFERENCE, detail)
    return tests or Failure(UNUSABLE_REFERENCE, "the reference is a list without tests")


async def _holds(test: str, limits: Limits, form: Form, program: str) -> bool | Failure:
    outcome = await sandbox.run(Job(program, tests=test), limits=limits, form=form)
    if isinstance(outcome, Failure):
        return outcome
    if outcome.unusable:
        return Failure(UNUSABLE_REFERENCE, outcome.said.partition(": ")[2])
    return outcome.passed


async def _prints(
    stdin: str, stdout: str, limits: Limits, form: Form, program: str
) -> bool | Failure:
    outcome = await sandbox.run(Job(program, stdin=stdin), limits=limits, form=form)
    if isinstance(outcome, Failure):
        return outcome
    well = outcome.ended == "exit" and outcome.status == 0
    return well and _lines(outcome.output) == _lines(stdout)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]
