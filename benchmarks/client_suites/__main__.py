"""Runs a suite of another project against the server, and prints what passed.

    python -m benchmarks.client_suites openai-python --checkout FOLDER --python FOLDER/bin/python
    python -m benchmarks.client_suites langchain --python FOLDER/bin/python [--way in-process]

A suite runs in an environment of its own, that of `--python`: openai-python's own tests in one
with its checkout (fetched from its repository) and pytest, pytest-asyncio, pytest-xdist,
inline-snapshot and aiohttp; `langchain` in one with langchain-tests, langchain-openai and
langchain-anthropic; `litellm` with litellm[proxy] and anthropic; `inspect` with inspect-ai, openai
and anthropic; `lm-eval` with lm-eval[api]; all with pytest and pytest-asyncio.

The server is `bestofn serve --upstream` over a scripted model, or in process over fakes that play
it; of the candidates of each request the first is cut. The exit code is 1 where a test failed that
has to pass.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client_suites import openai_python
from benchmarks.client_suites.scripted_model import ANSWER
from benchmarks.processes import running

SUITES = {
    "langchain": "langchain_standard.py",
    "litellm": "litellm_proxy.py",
    "lm-eval": "lm_eval_chat.py",
    "inspect": "inspect_best_of.py",
}
NAMES = ("gpt-3.5-turbo-instruct", "gpt-4o-mini", "gpt-5.1", "gpt-5.4", "gpt-5.6-sol", "model")
"""Models that the suites ask for; each is a profile that changes nothing."""

WAYS = ("upstream", "in-process")
LOOPS = ("test", "fixture")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one test.

    Args:
        file: that it is in, or the suite's name.
        name: with its parameters.
        outcome: passed, failed or skipped.
        why: the reason for which it may fail; None: it may not.
        said: what the failure or the skip said, in a line.
    """

    file: str
    name: str
    outcome: str
    why: str | None = None
    said: str = ""


@contextlib.contextmanager
def server(way: str, folder: Path) -> Iterator[str]:
    """The server's address."""
    if way == "in-process":
        with running("benchmarks.client_suites.in_process", "--profiles", *NAMES) as url:
            yield url
        return
    config = folder / "profiles.yaml"
    config.write_text(json.dumps({"profiles": {name: {} for name in NAMES}}))
    flags = ("--reward-model=none", f"--config={config}")
    with (
        running("benchmarks.client_suites.upstream") as upstream,
        running("bestofn", "serve", f"--upstream={upstream}/v1", *flags) as url,
    ):
        yield url


def tested(
    python: str, arguments: Sequence[str], folder: Path, cwd: Path, **environment: str
) -> list[tuple[str, str, str, str]]:
    """Class, name, outcome and saying of each test that a run of pytest came to."""
    report = folder / "report.xml"
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    done = subprocess.run(
        [*command, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists():
        raise SystemExit(f"pytest did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    found = []
    for case in ElementTree.parse(report).iter("testcase"):
        ends = {child.tag: child.get("message") or "" for child in case}
        outcome = "skipped" if "skipped" in ends else "passed"
        outcome = "failed" if ends.keys() & {"failure", "error"} else outcome
        said = next(iter(ends.values()), "").partition("\n")[0]
        found.append((case.get("classname", ""), case.get("name", ""), outcome, said))
    return found


def openai_results(url: str, folder: Path, python: str, checkout: Path) -> list[Result]:
    """Its tests as they are, and again without what contradicts itself or needs state."""
    options = ["-o", "addopts=", "-W", "ignore"]
    results = []
    for kind in ("", "plain values: "):
        root = checkout if not kind else folder / "plain"
        if kind:
            openai_python.copied(checkout, root)
            options += [f"--rootdir={root}", "-o", "asyncio_mode=auto"]
        environment = {"TEST_API_BASE_URL": f"{url}/v1", "PYTHONPATH": f"{checkout / 'src'}:{root}"}
        for file in openai_python.FILES:
            for _, name, outcome, said in tested(
                python, [*options, file], folder, root, **environment
            ):
                why = openai_python.reason(file, name, plain=bool(kind))
                results.append(Result(kind + file, name, outcome, why, said))
    return results


def suite_results(url: str, folder: Path, python: str, suite: str) -> list[Result]:
    """The tests of one of `SUITES`, by class where they have one."""
    file = Path(__file__).parent / "suites" / SUITES[suite]
    options = ["--noconftest", "-c", os.devnull, f"--rootdir={file.parent}"]
    # One event loop for all: clients that are kept from one test to the next belong to it.
    loop = ("asyncio_mode=auto", *(f"asyncio_default_{of}_loop_scope=session" for of in LOOPS))
    options += [part for setting in loop for part in ("-o", setting)]
    environment = {"BESTOFN_URL": url, "BESTOFN_ANSWER": ANSWER}
    found = tested(python, [*options, str(file)], folder, folder, **environment)
    results = []
    for place, name, outcome, said in found:
        group = place.rpartition(".")[2]
        group = f"{suite}: {group}" if group != file.stem else suite
        results.append(Result(group, name, outcome, said=said))
    return results


def table(results: Sequence[Result]) -> str:
    """Counts by file; below it the reasons, and what failed without one."""
    lines = ["| tests | passed | cannot pass | failed | skipped |", "|---|---:|---:|---:|---:|"]
    for file in dict.fromkeys(each.file for each in results):
        mine = [each for each in results if each.file == file]
        counts = Counter(_column(each) for each in mine)
        cells = [str(counts[name]) for name in ("passed", "cannot pass", "failed", "skipped")]
        lines.append(f"| {file} | {' | '.join(cells)} |")
    reasons = Counter(each.why for each in results if _column(each) == "cannot pass")
    lines += ["", *(f"- {count} cannot pass: {why}" for why, count in reasons.items())]
    lines += [f"FAILED {e.file} {e.name}: {e.said}" for e in results if _column(e) == "failed"]
    return "\n".join(lines)


def _column(result: Result) -> str:
    if result.outcome == "failed" and result.why is not None:
        return "cannot pass"
    return result.outcome


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("suite", choices=("openai-python", *SUITES))
    parser.add_argument("--python", default=sys.executable, help="of the suite's environment")
    parser.add_argument("--checkout", type=Path, help="of openai-python's repository")
    parser.add_argument("--way", choices=WAYS, default=WAYS[0], help="how the server samples")
    arguments = parser.parse_args()
    if arguments.suite == "openai-python" and arguments.checkout is None:
        parser.error("openai-python's tests are in its repository: --checkout FOLDER")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server(arguments.way, folder) as url:
            if arguments.suite == "openai-python":
                checkout = arguments.checkout.resolve()
                results = openai_results(url, folder, arguments.python, checkout)
            else:
                results = suite_results(url, folder, arguments.python, arguments.suite)
    print(f"{arguments.suite}, {arguments.way}\n\n{table(results)}")
    sys.exit(any(_column(each) == "failed" for each in results) or not results)


if __name__ == "__main__":
    main()
