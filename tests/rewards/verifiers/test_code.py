"""The code verifier, in real processes: programs that pass, fail, cheat and run wild."""

from __future__ import annotations

import asyncio
import subprocess
import time
from typing import Any

import pytest

from bestofn.core.types import Failure, Request, Score
from bestofn.rewards.verifiers.open import open_verifier
from bestofn.settings.verifier import VerifierSettings
from tests.support.rewards.answering import candidates_of

RIGHT = "Here:\n```python\ndef add(a, b):\n    return a + b\n```\nUse it so:\n```\nadd(1, 2)\n```"
WRONG = "def add(a, b):\n    return a - b"
HALF = "def add(a, b):\n    return a + b if a else 0"
ASSERTS = ["assert add(1, 2) == 3", "assert add(0, 5) == 5"]
PRINTS = """```python
name = input()
print('hello', name)
if __name__ == '__main__':
    print(2)
```"""


async def _scores(reference: Any, texts: list[str], **options: Any) -> list[Score]:
    opened = open_verifier(VerifierSettings(check="code", **options))
    try:
        request = Request.from_prompt("?", reference=reference)
        return await opened.score(request, candidates_of(texts))
    finally:
        opened.close()


async def _reward(reference: Any, text: str, **options: Any) -> float | None:
    (score,) = await _scores(reference, [text], **options)
    assert score.failure is None, score.failure
    return score.reward


@pytest.mark.parametrize(
    "reference",
    [
        ASSERTS,
        "\n".join(ASSERTS),
        "def check(candidate):\n    assert candidate(4, 1) == 5\ncheck(add)",
    ],
)
async def test_programs_that_hold_are_right(reference: Any) -> None:
    scores = await _scores(reference, [RIGHT, WRONG, "def add(:"])
    assert [score.reward for score in scores] == [1.0, 0.0, 0.0]


async def test_the_share_of_tests_is_told_and_may_be_the_reward() -> None:
    (score,) = await _scores(ASSERTS, [HALF])
    assert (score.reward, score.components) == (0.0, {"passed": 0.5})
    (score,) = await _scores(ASSERTS, [HALF], options={"partial": True})
    assert (score.reward, score.components) == (0.5, {"passed": 0.5})


async def test_a_program_that_prints_is_compared_by_lines() -> None:
    good = {"stdin": "you\n", "stdout": "hello you \n2\n\n"}
    bad = {"stdin": "you\n", "stdout": "hello me"}
    assert await _reward(good, PRINTS) == 1.0
    assert await _reward([good, bad], PRINTS) == 0.0
    assert await _reward([good, bad], PRINTS, options={"partial": True}) == 0.5
    assert await _reward(good, PRINTS + "\n```python\nprint('hello you')\n1/0\n```") == 0.0


async def test_no_input_is_an_empty_one() -> None:
    length = "```python\nimport sys\nprint(len(sys.stdin.read()))\n```"
    assert await _reward({"stdin": None, "stdout": "0"}, length) == 1.0
    assert await _reward({"stdin": ["a", 12], "stdout": 4}, length) == 1.0
    assert await _reward({"stdin": 0, "stdout": [1]}, length) == 1.0


CHEATS = {
    "exit": "import sys\nsys.exit(0)",
    "os._exit": "import os\nos._exit(0)",
    "printing": "print('ok')\nraise SystemExit(0)",
    "at exit": "import atexit, os\natexit.register(lambda: os._exit(0))\nraise SystemExit",
    "kills the parent": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
    "kills its group": "import os, signal\nos.killpg(os.getpgid(0), signal.SIGKILL)",
    "kills all": "import os, signal\nos.kill(-1, signal.SIGKILL)",
}
WILD = {
    "never ends": "while True: pass",
    "sleeps": "import time\ntime.sleep(60)",
    "waits for input": "input()",
    "takes memory": "x = bytearray(10 * 2**30)",
    "floods": "import os\nwhile True: os.write(1, b'x' * 2**16)",
    "fills the disk": "with open('big', 'wb') as f:\n    while True: f.write(b'x' * 2**20)",
    "forks": "import os\nwhile True: os.fork()",
    "opens files": "held = [open('/dev/null') for _ in range(10_000)]",
    "recurses": "def f(): f()\nf()",
}


@pytest.mark.parametrize("how", [*CHEATS, *WILD])
async def test_what_cheats_or_runs_wild_does_not_pass(how: str) -> None:
    program = {**CHEATS, **WILD}[how]
    started = time.monotonic()
    assert await _reward("assert False", program, timeout=1.0) == 0.0
    assert time.monotonic() - started < 20


async def test_catching_what_the_tests_raise_proves_nothing() -> None:
    program = "class E: pass\nAssertionError = E\nimport builtins\nbuiltins.AssertionError = E"
    assert await _reward("assert False", program) == 0.0


async def test_nothing_that_a_program_started_is_left() -> None:
    mark = "time.sleep(98765)"
    program = (
        "import subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; {mark}'], start_new_session=True)\n"
    )
    assert await _reward("assert True", program) == 1.0
    assert mark not in _processes()


def _processes() -> str:
    return subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout


async def test_cancelling_ends_the_program() -> None:
    program = "import time\nwhile True: time.sleep(1234)"
    before = _processes().count("inside.main")
    running = asyncio.create_task(_scores("assert False", [program], timeout=60.0))
    async with asyncio.timeout(20):
        while _processes().count("inside.main") == before:
            await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert _processes().count("inside.main") == before


async def test_a_program_sees_neither_the_environment_nor_files_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BESTOFN_SECRET", "swordfish")
    test = (
        "import os\nassert 'BESTOFN_SECRET' not in os.environ\nassert os.listdir('.') == []\n"
        "open('mine', 'w').write('x')\nassert 'bestofn' not in sys.modules"
    )
    assert await _reward(test, "import sys") == 1.0


async def test_many_at_once_have_a_verdict_each() -> None:
    texts = [RIGHT, WRONG] * 12
    scores = await _scores(ASSERTS, texts, concurrency=4)
    assert [score.reward for score in scores] == [1.0, 0.0] * 12


@pytest.mark.parametrize(
    ("reference", "failure"),
    [
        (None, "no_reference"),
        ([], "unusable_reference"),
        ("", "unusable_reference"),
        (5, "unusable_reference"),
        ([{"stdin": ""}], "unusable_reference"),
        ([{"stdin": "", "stdout": None}], "unusable_reference"),
        ([{"stdin": "", "stdout": [["1"]]}], "unusable_reference"),
        ([{"stdin": {}, "stdout": "1"}], "unusable_reference"),
        ("assert add(1", "unusable_reference"),
        ("class Sub(add):\n    pass", "unusable_reference"),
    ],
)
async def test_without_tests_nothing_is_judged(reference: Any, failure: str) -> None:
    (score,) = await _scores(reference, [RIGHT])
    assert isinstance(score.failure, Failure)
    assert score.failure.reason == failure
