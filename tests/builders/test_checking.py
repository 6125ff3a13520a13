"""Settings that serving would refuse are found without loading a model."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.builders.checking import contradictions
from bestofn.settings.settings import Settings

NO_REWARD = {"reward_model": "none"}
REWARD_RULE = {"rule": "reward", "reward": 1}
TWO = [{"name": name, "upstream": "http://127.0.0.1:9"} for name in ("small", "large")]


def found(**given: Any) -> list[tuple[str, str]]:
    return [(key, str(error)) for key, error in contradictions(Settings.model_validate(given))]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {**NO_REWARD, "profiles": {"p": {"stop": REWARD_RULE}}},
            "stop: the rule reward needs a reward model, and there is none",
        ),
        (
            {**NO_REWARD, "profiles": {"p": {"stop": {"prune": 0.5}}}},
            "stop: prune needs a reward model, and there is none",
        ),
        (
            {**NO_REWARD, "generators": TWO, "profiles": {"p": {"stop": {"rule": "plateau"}}}},
            "stop: the rule plateau needs scores",
        ),
    ],
)
def test_a_profiles_rule_that_reads_what_there_is_none_of_is_found(
    given: dict[str, Any], said: str
) -> None:
    ((key, message),) = found(**given)
    assert key == "profiles.p.stop"
    assert message.startswith(said)


def test_a_profiles_rule_is_right_where_something_scores() -> None:
    assert found(profiles={"p": {"stop": REWARD_RULE}}) == []


def test_what_a_profiles_rule_reads_is_told_once_where_it_is_wrong() -> None:
    wrong = {"answer_key": "keyy", "stop": {"rule": "agreement"}}
    assert [key for key, _ in found(profiles={"p": wrong})] == ["profiles.p.answer_key"]
    unknown = found(answer_key="keyy", profiles={"p": {"stop": {"rule": "agreement"}}})
    assert [key for key, _ in unknown] == ["answer_key"]


def test_a_limit_below_the_best_of_that_nobody_wrote_is_found() -> None:
    said = "it is 4, and best_of 8: serve refuses it"
    assert found(server={"max_best_of": 4}) == [("server.max_best_of", said)]
    assert found(server={"max_best_of": 8}) == []
    ((key, _),) = found(best_of=8, server={"max_best_of": 4})
    assert key == "best_of"
    assert found(best_of=128) == [], "other commands than serve may"


def test_a_limit_and_a_rule_are_told_at_once() -> None:
    both = found(**NO_REWARD, server={"max_best_of": 4}, profiles={"p": {"stop": REWARD_RULE}})
    assert [key for key, _ in both] == ["server.max_best_of", "profiles.p.stop"]


def test_a_profiles_model_beside_several_generators_is_found() -> None:
    said = "it is for one generator, and there are several"
    profiles = {"p": {"model": "m"}}
    assert found(**NO_REWARD, generators=TWO, profiles=profiles) == [("profiles.p.model", said)]
