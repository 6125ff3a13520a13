"""Push to the Hugging Face hub: the card of a run and the Parquet files of its formats."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bestofn.core.errors import ConfigError, DatasetError
from bestofn.dataset.export.exported import table_of
from bestofn.support.error_text import first_line

if TYPE_CHECKING:
    from bestofn.settings.choices import FormatName


@dataclass(frozen=True, slots=True)
class Repository:
    """A dataset on the hub that `HF_ENDPOINT` names.

    Args:
        name: ``owner/name``, or a name of one's own.
        private: whether it is made private; one that is there already stays as it is.
    """

    name: str
    private: bool = False

    def check(self) -> None:
        """Make the repository, if it is not there: what is to be pushed in hours has to work then.

        Raises:
            ConfigError: the name is none, or nobody is logged in who may write there.
            DatasetError: the hub does not answer.
        """
        from huggingface_hub import HfApi

        with self._faults():
            HfApi().create_repo(
                self.name, repo_type="dataset", private=self.private or None, exist_ok=True
            )

    def formats(self) -> set[str]:
        """The names of the folders with a Parquet file that it holds: the formats pushed before.

        Raises:
            ConfigError: nobody is logged in who may read there.
            DatasetError: the hub does not answer.
        """
        from huggingface_hub import HfApi

        with self._faults():
            held = HfApi().dataset_info(self.name).siblings or ()
        paths = (PurePosixPath(each.rfilename) for each in held)
        return {path.parent.name for path in paths if path.name == "train.parquet"}

    def push(self, folder: Path, card: str, formats: Sequence[FormatName]) -> str:
        """Upload a card and the formats, in one commit; its address.

        Args:
            folder: of the run.
            card: that names them.
            formats: that are in it.

        Raises:
            ConfigError: nobody is logged in who may write there.
            DatasetError: the hub does not take it. What is in the folder stays there.
        """
        from huggingface_hub import CommitOperationAdd, HfApi
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
        files: dict[str, bytes | str] = {"README.md": card.encode()}
        for name in formats:
            path = table_of(folder, name)
            files[path.relative_to(folder).as_posix()] = str(path)
        with self._faults():
            done = HfApi().create_commit(
                repo_id=self.name,
                repo_type="dataset",
                operations=[CommitOperationAdd(path, content) for path, content in files.items()],
                commit_message="bestofn: " + ", ".join(formats),
            )
        return str(done.commit_url)

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        from huggingface_hub.errors import (
            HfHubHTTPError,
            HFValidationError,
            LocalTokenNotFoundError,
            OfflineModeIsEnabled,
        )

        from bestofn.support.checkpoint import HTTP_ERROR

        try:
            yield
        except HFValidationError as error:
            raise ConfigError(f"{self.name} names no dataset: {first_line(error)}") from error
        except (LocalTokenNotFoundError, OfflineModeIsEnabled) as error:
            raise ConfigError(f"{self.name}: {first_line(error)}") from error
        except HfHubHTTPError as error:
            if error.response is not None and error.response.status_code in (401, 403):
                raise ConfigError(
                    f"{self.name}: the hub does not let you write there: log in with `hf auth "
                    f"login`, or set HF_TOKEN to a token that may write ({first_line(error)})"
                ) from error
            raise DatasetError(f"{self.name}: the hub refused: {first_line(error)}") from error
        except (HTTP_ERROR, OSError, ValueError) as error:
            raise DatasetError(f"{self.name} cannot be reached: {first_line(error)}") from error
