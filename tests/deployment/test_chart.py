"""The Helm chart in its three uses: linted, rendered, and held against Kubernetes' own schemas."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bestofn.settings.settings import Settings

pytestmark = pytest.mark.long

CHART = Path(__file__).parents[2] / "server/helm/bestofn"
USES = sorted(path.name for path in (CHART / "ci").glob("*.yaml"))
HELM = Path(sys.executable).with_name("helm")
KUBERNETES = "1.34"

OF_THE_OPERATOR = {"ServiceMonitor", "PrometheusRule"}
"""Kinds of prometheus-operator, which Kubernetes' schemas do not know."""


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, timeout=60)


def objects_of(use: str, *sets: str) -> list[dict[str, Any]]:
    """All that is rendered."""
    values = ["-f", str(CHART / "ci" / use)]
    done = helm("template", "b", str(CHART), *values, *(f"--set={each}" for each in sets))
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each is not None]


def rendered(use: str, *sets: str) -> dict[str, dict[str, Any]]:
    """The objects by kind; a kind is there once, but for ConfigMaps, of which the first counts."""
    found: dict[str, dict[str, Any]] = {}
    for each in objects_of(use, *sets):
        found.setdefault(each["kind"], each)
    return found


def settings_of(objects: dict[str, dict[str, Any]], tmp_path: Path) -> Settings:
    path = tmp_path / "bestofn.yaml"
    path.write_text(objects["ConfigMap"]["data"]["bestofn.yaml"], encoding="utf-8")
    return Settings.load(path)


def container(objects: dict[str, dict[str, Any]], at: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = objects["Deployment"]["spec"]["template"]["spec"]["containers"][at]
    return found


def test_the_three_uses_are_there() -> None:
    assert USES == ["one-gpu-values.yaml", "reward-server-values.yaml", "sidecar-values.yaml"]


@pytest.mark.parametrize("use", USES)
def test_helm_finds_no_fault(use: str) -> None:
    done = helm("lint", "--strict", str(CHART), "-f", str(CHART / "ci" / use))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("use", USES)
def test_kubernetes_takes_every_object(use: str) -> None:
    objects = objects_of(use)
    kinds = {each["kind"] for each in objects}
    assert {"Deployment", "Service", "ConfigMap", "PodDisruptionBudget"} <= kinds
    for each in objects:
        if each["kind"] not in OF_THE_OPERATOR:
            kubernetes_validate.validate(each, KUBERNETES, strict=True)


@pytest.mark.parametrize(("key", "value"), [("replicas", "two"), ("replica", 2)])
def test_kubernetes_refuses_a_value_and_a_key_that_are_none(key: str, value: Any) -> None:
    deployment = rendered("reward-server-values.yaml")["Deployment"]
    deployment["spec"][key] = value
    with pytest.raises(kubernetes_validate.ValidationError, match=key.removesuffix("s")):
        kubernetes_validate.validate(deployment, KUBERNETES, strict=True)


def test_alerts_and_dashboard_are_the_files_beside_it() -> None:
    objects = objects_of("one-gpu-values.yaml")
    (rules,) = (each["spec"] for each in objects if each["kind"] == "PrometheusRule")
    assert rules == yaml.safe_load((CHART / "files/rules.yaml").read_text(encoding="utf-8"))
    drawn = [
        json.loads(text)
        for each in objects
        if each["kind"] == "ConfigMap"
        for name, text in each["data"].items()
        if name.endswith(".json")
    ]
    assert drawn == [json.loads((CHART / "files/dashboard.json").read_text(encoding="utf-8"))]


@pytest.mark.parametrize("use", USES)
def test_the_settings_are_taken_by_bestofn(use: str, tmp_path: Path) -> None:
    server = settings_of(rendered(use), tmp_path).server
    assert (server.host, server.port, server.drain_seconds) == ("0.0.0.0", 8000, 30)


def test_one_gpu_serves_both_models(tmp_path: Path) -> None:
    objects = rendered("one-gpu-values.yaml")
    settings = settings_of(objects, tmp_path)
    assert settings.model is not None
    assert settings.reward_model is not None
    assert container(objects)["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert settings.server.api_key_file == Path("/run/secrets/bestofn/keys")
    scaled = objects["HorizontalPodAutoscaler"]["spec"]["metrics"][0]["pods"]["metric"]["name"]
    assert scaled == "bestofn_tokens_in_flight"
    assert "replicas" not in objects["Deployment"]["spec"]


def test_a_side_car_samples_in_the_same_pod(tmp_path: Path) -> None:
    objects = rendered("sidecar-values.yaml")
    settings = settings_of(objects, tmp_path)
    assert settings.upstream == "http://127.0.0.1:8001"
    other = container(objects, 1)
    assert other["name"] == "vllm"
    assert "--port=8001" in other["args"]
    names = {
        volume["name"] for volume in objects["Deployment"]["spec"]["template"]["spec"]["volumes"]
    }
    assert {mount["name"] for mount in other["volumeMounts"]} <= names


def test_a_reward_server_samples_nothing(tmp_path: Path) -> None:
    objects = rendered("reward-server-values.yaml")
    assert settings_of(objects, tmp_path).engine == "none"
    assert objects["Deployment"]["spec"]["replicas"] == 2


def test_the_pod_may_do_little() -> None:
    pod = rendered("one-gpu-values.yaml")["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    inside = pod["containers"][0]["securityContext"]
    assert inside["readOnlyRootFilesystem"] is True
    assert inside["capabilities"] == {"drop": ["ALL"]}


def test_the_pod_outlives_the_drain() -> None:
    pod = rendered("one-gpu-values.yaml", "drainSeconds=120")["Deployment"]["spec"]["template"]
    assert pod["spec"]["terminationGracePeriodSeconds"] == 135


def test_a_change_of_the_settings_starts_new_pods() -> None:
    def checksum(*sets: str) -> str:
        pod = rendered("one-gpu-values.yaml", *sets)["Deployment"]["spec"]["template"]
        return str(pod["metadata"]["annotations"]["checksum/config"])

    assert checksum() != checksum("config.best_of=16")


def test_the_digest_wins_over_the_tag() -> None:
    digest = "sha256:" + "0" * 64
    objects = rendered("one-gpu-values.yaml", f"image.digest={digest}", "image.tag=old")
    assert container(objects)["image"] == f"bestofn@{digest}"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("replica=2", "replica"),
        ("image.digest=latest", "image"),
        ("autoscaling.maxReplicas=0", "maxReplicas"),
        ("service.port=http", "port"),
    ],
)
def test_a_wrong_value_is_named(wrong: str, said: str) -> None:
    done = helm("template", "b", str(CHART), "--set", wrong)
    assert done.returncode != 0
    assert said in done.stderr
