"""Wheels that a bare machine lacks of what the reward engine imports, for one that has no network.

Of the package's requirements only those are fetched; torch, transformers and what these need are
there. What quantises comes too, bitsandbytes with its library for one version of CUDA instead of
fifteen.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

PYTHON = "3.12"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64",
             "manylinux_2_24_x86_64", "manylinux1_x86_64")  # fmt: skip

CARRIED = (
    "httpx",
    "jsonschema",
    "pydantic",
    "pydantic-settings",
    "rich",
    "sentencepiece",
    "tenacity",
)
"""Requirements of the package that come with all they need."""

TRIMMED = "bitsandbytes"
"""Its CUDA library is kept for `CUDA` alone."""

NEEDED_TO_QUANTISE = ("psutil",)
"""What accelerate needs, and torch and transformers do not."""

CUDA = "130"

MOST = 60_000_000
"""Bytes of the folder."""

_LIBRARY = re.compile(r"libbitsandbytes_(?!cpu)(?!cuda" + CUDA + r"\.).*\.so$")


def fetch_wheels(folder: Path) -> list[Path]:
    """Fill the folder; returns the wheels.

    Raises:
        SystemExit: pip fails, or they are more than `MOST`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty: name a new folder")
    _download(folder, _requirements())
    _download(folder, [*_project()["quantized"], *NEEDED_TO_QUANTISE], "--no-deps")
    (large,) = folder.glob(f"{TRIMMED}-*.whl")
    trim(large)
    wheels = sorted(folder.glob("*.whl"))
    size = sum(wheel.stat().st_size for wheel in wheels)
    if size > MOST:
        raise SystemExit(f"{size:,} bytes of wheels are more than {MOST:,}")
    return wheels


def trim(wheel: Path) -> None:
    """Write the wheel anew without libraries for other versions of CUDA, in its record too."""
    smaller = wheel.with_suffix(".part")
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(
        smaller, "w", zipfile.ZIP_DEFLATED, compresslevel=9
    ) as kept:  # fmt: skip
        for member in whole.infolist():
            if _LIBRARY.search(member.filename):
                continue
            content = whole.read(member)
            if member.filename.endswith(".dist-info/RECORD"):
                lines = content.decode().splitlines(keepends=True)
                content = "".join(
                    line for line in lines if not _LIBRARY.search(line.partition(",")[0])
                ).encode()
            kept.writestr(member, content, zipfile.ZIP_DEFLATED)
    smaller.replace(wheel)


def _project() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


def _requirements() -> list[str]:
    """Those of `CARRIED` as the package requires them."""
    found = {re.split(r"[\[<>=!~;]", each)[0]: each for each in _project()[""]}
    return [found[name] for name in CARRIED]


def _download(folder: Path, requirements: list[str], *flags: str) -> None:
    platforms = [f"--platform={platform}" for platform in PLATFORMS]
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"),
        *(f"--python-version={PYTHON}", "--implementation=cp", *platforms),
        *(f"--dest={folder}", *flags, *requirements),
    ]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"pip could not fetch {', '.join(requirements)}")
