"""Variables of the environment that begin as those of settings do: which of them are settings,
which are read by others, and which nobody reads."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

PREFIX = "BESTOFN_"
"""Of every variable that is a setting."""

NESTED = "__"
"""Between the names of a section and its option."""

OTHERS: Mapping[str, str] = {
    "API_KEY": "`bestofn serve --api-key`, and the clients in examples/",
    "CONFIG": "`--config` of every command, and the plug-in of `vllm serve`",
    "URL": "the clients in examples/, and the suites in benchmarks/",
    "ANSWER": "the suites in benchmarks/",
    "AGENTS": "tests of coding agents",
    "INSPECT": "the test of the example for inspect_ai",
    "SUITES": "tests of the suites of other clients",
    "REAL_MODEL": "tests of a real small model",
    "REAL_OUTPUTS": "benchmarks of the filters",
}
"""By their names without the prefix: who reads those that are no settings."""

_SERVICE = re.compile(
    r"(?:\w+_)?(?:SERVICE_(?:HOST|PORT(?:_\w+)?)"
    r"|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_SERVICE_PORT = re.compile(r"(?:\w+_)?PORT")
_ADDRESS = re.compile(r"(?:tcp|udp|sctp)://")


def variable_of(setting: str) -> str | None:
    """The variable that is there and says a setting, or the section or list that it is in; None:
    none does.

    Args:
        setting: its dotted name: ``server.port`` is said by BESTOFN_SERVER__PORT, or by
            BESTOFN_SERVER.
    """
    parts = setting.split(".")
    names = [PREFIX + NESTED.join(parts[:count]).upper() for count in range(len(parts), 0, -1)]
    known = {name.upper(): name for name in os.environ}
    return next((known[name] for name in names if name in known), None)


def is_service_link(name: str, value: str | None) -> bool:
    """Whether Kubernetes sets such a variable: it tells every pod of a namespace of each service
    there, and one that is called ``bestofn`` is ``BESTOFN_SERVICE_HOST``, ``BESTOFN_PORT``
    (tcp://...), ``BESTOFN_PORT_8000_TCP_ADDR`` (its documentation: Service, environment variables).

    Args:
        name: without the prefix of settings, in capitals.
        value: of the variable.
    """
    if _SERVICE.fullmatch(name):
        return True
    return bool(_SERVICE_PORT.fullmatch(name) and _ADDRESS.match(value or ""))
