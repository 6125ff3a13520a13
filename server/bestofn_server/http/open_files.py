"""Connections of clients, no more than leave open files for what answers them."""

from __future__ import annotations

import logging

from bestofn.settings.server_limits import ConnectionSettings
from bestofn.support.open_files import raise_open_files
from bestofn_server.http.connection import SPARE

logger = logging.getLogger(__name__)

OTHERS = 512
"""Open files beside the connections of clients: those to an upstream (256) and to a reward server,
the engine's, the models'. Where there are few in all, half of them."""


def affordable(limits: ConnectionSettings) -> ConnectionSettings:
    """The limits, with as many connections as the process's limit of open files lets it have.

    The limit is raised first, as far as the system lets everybody. Above it a connection would wait
    unanswered, and an upstream would seem not to be there.
    """
    needed = limits.most + SPARE + OTHERS
    files = raise_open_files(needed)
    if files is None or files >= needed:
        return limits
    most = max(1, max(files - OTHERS, files // 2) - SPARE)
    if most >= limits.most:
        return limits
    logger.warning(
        "this process may have %d files open (`ulimit -n`): %d connections at once, not %d "
        "(`server.connections.most`)",
        files,
        most,
        limits.most,
    )
    return limits.model_copy(update={"most": most})
