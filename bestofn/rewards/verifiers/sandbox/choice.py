"""The choice of a form: the first that works here, found out by running something in it."""

from __future__ import annotations

import functools
import logging
import os
import subprocess

from bestofn.core.errors import ConfigError
from bestofn.core.types import Failure
from bestofn.rewards.verifiers.sandbox.forms import (
    FOLDER,
    INSTALL,
    UMASK,
    WALLED,
    Form,
    Walled,
    command,
    environment,
)
from bestofn.rewards.verifiers.sandbox.job import Job, Limits, messages, outcome

logger = logging.getLogger(__name__)

_TRIAL = Job("print(6 * 7)")
_TRIAL_SECONDS = 60.0


@functools.cache
def why_not(form: Walled) -> str | None:
    """Why nothing can be run in that form here; None: it can. Found out once."""
    limits = Limits(seconds=_TRIAL_SECONDS / 2)
    reading, writing = os.pipe()  # its end would mean that nobody waits any more
    try:
        os.write(writing, messages(_TRIAL, limits, form, FOLDER))
        tried = subprocess.run(
            command(form, limits.folder_bytes),
            stdin=reading,
            capture_output=True,
            env=environment(FOLDER),
            cwd="/",
            umask=UMASK,
            timeout=_TRIAL_SECONDS,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    finally:
        os.close(reading)
        os.close(writing)
    ended = outcome(tried.stdout, tried.stderr)
    if isinstance(ended, Failure):
        return ended.detail.removeprefix("the sandbox fails: ")
    return None if ended.output == "42\n" else f"a program ends by {ended.ended} there"


def choose(*, unsafe: bool) -> Form:
    """The form that programs run in here.

    Args:
        unsafe: whether they may run without walls, where there can be none.

    Raises:
        ConfigError: there can be none, and they may not.
    """
    reasons: dict[Walled, str] = {}
    for form in WALLED:
        if (reason := why_not(form)) is None:
            logger.info("programs run behind walls: %s", form)
            return form
        reasons[form] = reason
    told = "; ".join(f"{form}: {reason}" for form, reason in reasons.items())
    if not unsafe:
        raise ConfigError(
            f"nothing here keeps a program from this machine's files ({told}): install bubblewrap "
            f"({INSTALL}), or accept that with --unsafe-code"
        )
    logger.warning("programs run without walls, with all that their user can read (%s)", told)
    return "unsafe"
