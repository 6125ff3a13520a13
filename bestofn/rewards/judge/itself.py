"""The generator as its own judge (self-judging): questions to what sampled the answers.

    itself = Itself()
    async with open_judge(JudgeSettings(url="self", mode="pairwise"), itself) as judge:
        itself.bind(generator)          # which is opened after what scores

A model that judges its own answers is worth a try where there is no better judge, and no more than
that: it shares the blind spots of what it judges. Two at a time it does better than alone (arXiv
2603.04304, which reports up to 10 % over scores of single answers).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import GeneratorError
from bestofn.core.protocols import Forwarder, Generator
from bestofn.openai_api.completions import Completion, completion_of

SELF = "self"
"""The `url` of a judge that is the generator itself."""


class Itself:
    """What a judge asks that is the generator itself.

    Attributes:
        wanted: whether a judge asks it.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._forwarder: Forwarder | None = None

    def bind(self, generator: Generator) -> None:
        """Ask this one from now on.

        Raises:
            ConfigError: a judge wants it, and it takes no questions.
        """
        if isinstance(generator, Forwarder):
            self._forwarder = generator
        elif self.wanted:
            raise ConfigError(
                "a judge whose url is self needs one generator that answers OpenAI's API: vLLM or "
                "an upstream, and not transformers or several generators"
            )

    async def complete(self, body: Mapping[str, Any], turns: asyncio.Semaphore) -> Completion:
        """The answer to one question.

        Args:
            body: of a chat completion.
            turns: held while it is answered.

        Raises:
            RequestError: the generator refuses it.
            GeneratorError: it failed, or is not there yet.
        """
        if self._forwarder is None:
            raise GeneratorError("the generator that is to judge was not opened")
        async with turns:
            answer = await self._forwarder.answer("chat/completions", body)
        if not answer.get("choices"):
            raise GeneratorError("the generator's answer to the judge's question has no choices")
        return completion_of(answer, "the judge")
