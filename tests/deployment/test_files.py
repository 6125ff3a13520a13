"""Dockerfile, compose file, unit and RayService: what can be checked without what runs them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

SERVER = Path(__file__).parents[2] / "server"
COMPOSE: dict[str, Any] = yaml.safe_load((SERVER / "compose.yaml").read_text(encoding="utf-8"))
HADOLINT = Path(sys.executable).with_name("hadolint")


def test_hadolint_finds_no_fault_in_the_dockerfile() -> None:
    done = subprocess.run(
        [HADOLINT, SERVER / "Dockerfile"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_runs_as_nobody_of_importance() -> None:
    last = (SERVER / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-1]
    assert "\nUSER 10001\n" in last
    assert "\nHEALTHCHECK " in last


def test_what_the_image_is_built_of_is_sent_to_the_builder() -> None:
    sent = {
        line[1:]
        for line in (SERVER.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    dockerfile = (SERVER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {
        word.removeprefix("./")
        for line in dockerfile
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert copied <= sent
    assert all((SERVER.parent / each).exists() for each in sent)


def test_every_file_that_compose_mounts_is_there() -> None:
    mounted = [
        volume.split(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service.get("volumes", ())
        if volume.startswith(".")
    ]
    assert mounted
    assert [each for each in mounted if not (SERVER / each).is_file()] == []


def test_prometheus_scrapes_the_service_that_compose_starts() -> None:
    scraped = yaml.safe_load((SERVER / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    (target,) = scraped["scrape_configs"][0]["static_configs"][0]["targets"]
    name, port = target.split(":")
    assert name in COMPOSE["services"]
    assert COMPOSE["services"][name]["ports"] == [f"127.0.0.1:{port}:{port}"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    text = (SERVER / "systemd/bestofn.service").read_text(encoding="utf-8")
    unit = tmp_path / "bestofn.service"  # with a command that is there
    unit.write_text(text.replace("/opt/bestofn/bin/bestofn", "/bin/true"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert [line for line in done.stderr.splitlines() if "bestofn.service" in line] == []


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")  # of Ray's own models
def test_the_rayservice_says_what_the_application_takes() -> None:
    pytest.importorskip("ray")
    from bestofn_server.ray_serve import Arguments

    service = yaml.safe_load((SERVER / "kuberay/rayservice.yaml").read_text(encoding="utf-8"))
    (application,) = yaml.safe_load(service["spec"]["serveConfigV2"])["applications"]
    assert application["import_path"] == "bestofn_server.ray_serve:application"
    arguments = Arguments(**application["args"])
    mounts = service["spec"]["rayClusterConfig"]["workerGroupSpecs"][0]["template"]["spec"]
    mounted = [mount["mountPath"] for mount in mounts["containers"][0]["volumeMounts"]]
    assert str(arguments.config).rpartition("/")[0] in mounted
