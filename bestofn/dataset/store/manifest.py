"""Manifest of a run, run.json: what a run was made with, and which of its shards are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bestofn.core.errors import ConfigError
from bestofn.dataset.store.atomic_files import replace_text
from bestofn.support.error_text import faults
from bestofn.support.url import without_credentials

NAME = "run.json"


class Shard(BaseModel):
    """A file of finished rows.

    Args:
        rows: how many it holds.
        failed: of these, on which the engine or the reward model failed.
        bytes: its size.
        sha256: of its bytes, in hex.
    """

    model_config = ConfigDict(extra="forbid")
    rows: int
    failed: int = 0
    bytes: int
    sha256: str


class Session(BaseModel):
    """One time that the run was worked on, from its start or the last interruption on."""

    started: str
    seconds: float = 0.0
    rows: int = 0
    completion_tokens: int = 0
    reward_tokens: int = 0


class Manifest(BaseModel):
    """What run.json holds.

    Args:
        version: of its own form.
        config: everything that decides what is sampled and how it is scored.
        rows_per_shard: rows of each shard but the last.
        shards: by file name.
        rows: of the input, once it has been read to its end.
        sessions: when it was worked on.
        bestofn: the version that made it.
    """

    model_config = ConfigDict(extra="forbid")
    version: int = 1
    config: dict[str, Any]
    rows_per_shard: int = Field(ge=1)
    shards: dict[Annotated[str, Field(pattern=r"^part-\d{1,9}\.parquet$")], Shard] = Field(
        default_factory=dict
    )
    rows: int | None = None
    sessions: list[Session] = Field(default_factory=list)
    bestofn: str = ""

    @field_validator("config")
    @classmethod
    def _without_credentials(cls, config: dict[str, Any]) -> dict[str, Any]:
        """bestofn 0.1 wrote URLs down as they were given."""
        plain: dict[str, Any] = without_credentials(config)
        return plain

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """That of a run's folder; None: there is none.

        Raises:
            ConfigError: it cannot be read.
        """
        path = folder / NAME
        if not path.is_file():
            return None
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise ConfigError(f"{path} is no manifest of a run: {_sentence(error)}") from error

    def write(self, folder: Path) -> None:
        """Put it into the folder, at once."""
        replace_text(folder / NAME, self.model_dump_json(indent=1) + "\n")


def _sentence(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return str(faults(error)[0])
    return str(error)
