"""A run's folder before it is opened: whether it is one, and a run of which nothing came."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from bestofn.core.errors import ConfigError
from bestofn.dataset.store.atomic_files import partial_of
from bestofn.dataset.store.journal import JOURNAL
from bestofn.dataset.store.manifest import NAME
from bestofn.dataset.store.rollouts import read_rollouts
from bestofn.dataset.store.shards import ROLLOUTS


def refuse_others(folder: Path) -> None:
    """Return if a folder without run.json may become a run's.

    Raises:
        ConfigError: it holds something else.
    """
    # A kill while the run was begun may leave a file that was to become the journal or run.json.
    partial = {partial_of(folder / name).name for name in (JOURNAL, NAME)}
    known = {".lock", JOURNAL, ROLLOUTS, *partial}
    others = sorted(each.name for each in folder.iterdir() if each.name not in known)
    if others:
        raise ConfigError(f"{folder} holds something else ({others[0]}) and no run: name another")


def empty_unsampled(folder: Path, found: Iterable[str]) -> None:
    """Take away what a run left on which nothing was sampled.

    Args:
        folder: of the run.
        found: what differs from how it is made now.

    Raises:
        ConfigError: something was sampled.
    """
    unsampled = ("failed", "unreadable")
    if any(record["status"] not in unsampled for record in read_rollouts(folder)):
        raise ConfigError(
            f"{folder} holds a run that was made otherwise: {'; '.join(found)}. Go on with the "
            "same settings, or name another folder"
        )
    shutil.rmtree(folder / ROLLOUTS)
    (folder / ROLLOUTS).mkdir()
    (folder / JOURNAL).unlink(missing_ok=True)
