"""`bestofn ask` from the outside, on the real engines."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from subprocess import PIPE

import psutil
import pytest

from bestofn import __version__, embedded
from tests.cli.conftest import SCRIPT, Run

pytestmark = pytest.mark.model  # processes of their own, or models in this one

QUESTION = "What is 8 - 5?"
NOBODY = "http://127.0.0.1:1"
ONLY_FILTER = ["--reward-model", "none"]


@pytest.mark.parametrize("engine", ["vllm", pytest.param("transformers", marks=pytest.mark.slow)])
def test_json_accounts_for_every_candidate(bestofn: Run, engine: str) -> None:
    flags = ["--engine", engine, "--best-of", "12", "--seed", "4", "--selector", "argmax"]
    done = bestofn("ask", QUESTION, *flags, "--stop", "none", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["best_of"] == 12
    assert sorted(c["index"] for c in answer["candidates"]) == list(range(12))
    ranked = [c for c in answer["candidates"] if c["rank"] is not None]
    assert [c["rank"] for c in ranked] == list(range(1, len(ranked) + 1))
    suspected = [bool(c["rejections"]) for c in ranked]
    assert suspected == sorted(suspected), "the suspected stand behind the accepted"
    for group in (False, True):
        rewards = [c["reward"] for c in ranked if bool(c["rejections"]) is group]
        assert rewards == sorted(rewards, reverse=True)
    assert answer["winner"] == ranked[0]
    for candidate in answer["candidates"]:
        certain = any(each["certain"] for each in candidate["rejections"])
        assert (candidate["rank"] is None) == certain
    assert answer["usage"]["completion_tokens"] == sum(
        c["completion_tokens"] for c in answer["candidates"]
    )


def test_a_model_without_a_reward_model_answers_by_vote(bestofn_here: Run) -> None:
    flags = ["--model", str(embedded.generator_path()), "--engine", "transformers", "--seed", "4"]
    done = bestofn_here("ask", QUESTION, *flags, "--stop", "none", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    by = {"rule": "weighted_vote", "answer_key": "text", "score": "mean_logprob"}
    assert answer["chosen_by"] == by
    assert 0 < answer["confidence"] <= 1
    assert {c["reward"] for c in answer["candidates"]} == {None}
    assert answer["winner"]["answer_key"] == "3"
    assert answer["winner"]["mean_logprob"] < 0


def test_the_table_ends_with_the_winner(bestofn_here: Run) -> None:
    done = bestofn_here(
        "ask", QUESTION, "--engine", "transformers", "--seed", "4", "--system", "Hi."
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert re.search(r"best of 8 by weighted vote on text, \d+% confident", done.stdout)
    assert "8 sampled" in done.stdout


def test_nothing_acceptable_and_policy_error_exits_with_3(bestofn_here: Run) -> None:
    flags = ["--max-tokens", "1", "--best-of", "2", "--engine", "transformers", "--seed", "4"]
    done = bestofn_here("ask", QUESTION, "--on-exhausted", "error", *flags, "--json")
    assert done.returncode == 3
    assert done.stderr.startswith("bestofn: none of 2 candidates is acceptable: 2 length")
    answer = json.loads(done.stdout)
    assert answer["winner"] is None
    assert answer["rejected"]["length"] == 2


def test_the_fallback_is_flagged(bestofn_here: Run) -> None:
    flags = ["--max-tokens", "3", "--best-of", "2", "--engine", "transformers", "--seed", "4"]
    done = bestofn_here("ask", QUESTION, "--on-exhausted", "best_rejected", *flags, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert answer["fallback"] == "best_rejected"
    assert answer["winner"]["rejections"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["  "], "the prompt is empty"),
        (["no UTF-8: \udcff"], "the prompt is no UTF-8"),
        ([QUESTION, "--system", "\udcff"], "--system is no UTF-8"),
        ([QUESTION, "--best-of", "0"], "must be at least 1"),
        ([QUESTION, "--temperature", "3"], "must be at most 2"),
        ([QUESTION, "--engine", "vlm"], "'vlm' is not one of"),
        ([QUESTION, "--model", "/no/such"], "/no/such"),
        ([QUESTION, "--upstream", NOBODY, "--engine", "openai"], "cannot be reached"),
        ([QUESTION, "--selector", "best"], "no selector is called 'best'"),
        ([QUESTION, "--selector", "{vote: {"], "{vote: {: expected the node content"),
        ([QUESTION, "--answer-key", "{pattern: {}}"], "answer key pattern: pattern is required"),
        ([QUESTION, "--engine", "openai", "--upstream", NOBODY, *ONLY_FILTER], "cannot be reached"),
        ([QUESTION, "--upstream", NOBODY, "--engine", "vllm", *ONLY_FILTER], "engine is vllm"),
        ([QUESTION, "--engine", "openai"], "no upstream is named"),
        ([QUESTION, "--model", "/no/such", "--reward-model", "none"], "/no/such"),
        ([QUESTION, "--reward-model", "/no/such"], "/no/such"),
        ([QUESTION, "--reward-model", str(embedded.generator_path())], "no reward head"),
        (
            [QUESTION, "--model", str(embedded.reward_path()), "--reward-model", "none"],
            "not a causal language model",
        ),
        (["seven " * 2000], "context"),
        ([QUESTION, "--config", "nowhere.yaml"], "nowhere.yaml: no such file"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    bestofn_here: Run, arguments: list[str], sentence: str
) -> None:
    engine = [] if "--engine" in arguments else ["--engine", "transformers"]
    done = bestofn_here("ask", *arguments, *engine)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stdout == ""


@pytest.mark.slow  # one more engine
def test_a_model_that_vllm_cannot_load_is_one_sentence(bestofn: Run, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["Nobodys"], "model_type": "nobodys"}')
    done = bestofn("ask", QUESTION, "--model", str(tmp_path), "--reward-model", "none")
    assert done.returncode == 2
    assert done.stderr.startswith(f"bestofn: vLLM cannot load {tmp_path}: ")


def test_a_filter_that_raises_loses_nothing(bestofn_here: Run, tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("filters: [{custom: {path: 'json:loads'}}]\n")
    flags = ["--engine", "transformers", "--best-of", "2", "--json", "--config", str(config)]
    done = bestofn_here("ask", QUESTION, *flags)
    assert done.returncode == 3
    assert [c["failure"]["reason"] for c in json.loads(done.stdout)["candidates"]] == [
        "filter_error",
        "filter_error",
    ]


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("moment", ["inspecting the model", "starting the engine"])
def test_interrupting_stops_the_engine_too(moment: str) -> None:
    """vLLM looks at a model in one process and runs it in another."""
    command = [SCRIPT, "ask", QUESTION]
    with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True) as process:
        try:
            children = _children(process, engine=moment == "starting the engine")
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=45)
        finally:
            process.kill()
    assert process.returncode == 130
    assert stderr.endswith("bestofn: interrupted\n")
    assert "Traceback" not in stderr
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def _children(process: subprocess.Popen[str], *, engine: bool) -> list[psutil.Process]:
    """The processes that `process` has started, as soon as one (with `engine`: its) is there."""
    deadline = time.monotonic() + 45
    while time.monotonic() < deadline:
        children = psutil.Process(process.pid).children(recursive=True)
        if children and (not engine or any(map(_is_engine, children))):
            return children
        time.sleep(0.02)
    raise AssertionError(f"no child process came, {process.poll()=}")


def _is_engine(process: psutil.Process) -> bool:
    try:
        # Until it has named itself it is only one that multiprocessing spawned.
        return "EngineCore" in process.name() or "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:  # gone
        return False


def test_version_and_help(bestofn: Run) -> None:
    assert bestofn("--version").stdout == f"bestofn {__version__}\n"
    assert "score" in bestofn("--help").stdout
