"""The check that a server's rewards are raw: no sigmoid or softmax stands behind them.

A sigmoid keeps the order in exact arithmetic and loses it in floating point: of 23 and 21 it makes
the same number, and the best candidates become ties.
"""

from __future__ import annotations

from collections.abc import Sequence

from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.no_winner import GeneratorError, RewardError
from bestofn.core.types import Candidate, Request
from bestofn.rewards.remote.rerank_server import RerankServer
from bestofn.rewards.remote.text_server import TextServer

QUESTION = Request.from_prompt("What is 8 - 5?")
ANSWERS = (
    "8 - 5 = 3.",
    "It is 4, I think.",
    "Ask somebody else.",
    "banana banana banana",
)
"""Different enough that the rewards of a model which knows anything differ."""

TOLERANCE = 1e-6
"""Two numbers for one text that differ by less are the same."""


async def refuse_activation(server: TextServer | RerankServer, url: str, *, switches: bool) -> None:
    """Return if the server's rewards are raw.

    Args:
        server: the server.
        url: what the user calls it.
        switches: whether it can be told to apply an activation, so that both can be compared.

    Raises:
        ConfigError: it cannot be asked, gives several numbers for a text, or all its numbers lie
            between 0 and 1 and nothing shows that they are raw.
    """
    try:
        raw = await _values(server, activation=False)
        if any(not 0 <= value <= 1 for value in raw):
            return
        if switches:
            squashed = await _values(server, activation=True)
            if any(abs(a - b) > TOLERANCE for a, b in zip(raw, squashed, strict=True)):
                return
    except (RequestError, GeneratorError, RewardError) as error:
        raise ConfigError(f"{url} cannot be asked for a reward: {error}") from error
    raise ConfigError(
        f"{url}: the rewards of {len(raw)} different answers all lie between 0 and 1, as behind a "
        "sigmoid, which makes ties of the best: serve the model without an activation, or say "
        "check_activation: false if its raw rewards are like that"
    )


async def _values(server: TextServer | RerankServer, *, activation: bool) -> Sequence[float]:
    if isinstance(server, RerankServer):
        return await server.values(QUESTION.last_user_text, ANSWERS, activation=activation)
    values: list[float] = []
    for index, text in enumerate(ANSWERS):
        candidate = Candidate(index, {"role": "assistant", "content": text}, "stop")
        said = await server.values(QUESTION, candidate, activation=activation)
        if len(said) != 1:
            raise RewardError(f"it gives {len(said)} numbers for a text: a reward is one")
        values.extend(said)
    return values
