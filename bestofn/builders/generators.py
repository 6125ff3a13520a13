"""What samples, opened: one generator, or several that share each request's candidates.

    async with open_generators(settings, share) as generator:
        ...

`Source` is one of them, as settings of its own.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from bestofn.builders.generator import engine_of, open_generator
from bestofn.core.errors import ConfigError
from bestofn.core.protocols import Generator
from bestofn.settings.settings import Settings

ONE = ("model", "upstream", "upstream_api_key", "engine", "engine_args")
"""The settings that name one generator."""


@dataclass(frozen=True, slots=True)
class Source:
    """What samples, or one of several that do.

    Args:
        name: of one of several; None: it is the only one.
        share: of the candidates.
        settings: name it, and no others.
    """

    name: str | None
    share: float
    settings: Settings

    @property
    def here(self) -> bool:
        """Whether it samples in this process."""
        return engine_of(self.settings) not in ("openai", "none")


def sources_of(settings: Settings) -> Sequence[Source]:
    """What `settings` say samples, in their order.

    Raises:
        ConfigError: they contradict each other, two have one name, or two would sample in this
            process.
    """
    if not settings.generators:
        engine_of(settings)
        return (Source(None, 1.0, settings),)
    if said := [name for name in ONE if getattr(settings, name) not in (None, [], "auto")]:
        raise ConfigError(
            f"generators are given, and {', '.join(said)} too: name it as one of the generators"
        )
    names = Counter(each.name for each in settings.generators)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ConfigError(f"several generators are called {twice[0]}: give each its own name")
    sources = []
    for each in settings.generators:
        own = {name: getattr(each, name) for name in ONE}
        alone = settings.model_copy(update={**own, "generators": []})
        try:
            engine = engine_of(alone)
        except ConfigError as error:
            raise ConfigError(f"generators: {each.name}: {error}") from error
        if engine == "none":
            raise ConfigError(f"generators: {each.name}: the engine is none, which samples nothing")
        sources.append(Source(each.name, each.share, alone))
    here = [str(each.name) for each in sources if each.here]
    if len(here) > 1:
        raise ConfigError(
            f"generators: {' and '.join(here)} would share this process and its memory: one may, "
            "the others have to be upstreams"
        )
    return sources


def sampled_here(settings: Settings) -> Settings | None:
    """The settings of what samples in this process; None: nothing does.

    Raises:
        ConfigError: as `sources_of`.
    """
    return next((each.settings for each in sources_of(settings) if each.here), None)


@contextlib.asynccontextmanager
async def open_generators(
    settings: Settings, share: Sequence[str] = (), reward_name: str | None = None
) -> AsyncIterator[Generator]:
    """What samples, closed at the end.

    Args:
        settings: name it.
        share: as `open_generator`, for the one in this process.
        reward_name: as `open_generator`.

    Raises:
        ConfigError, ModelError: as `open_generator`, and `sources_of`.
    """
    sources = sources_of(settings)
    async with contextlib.AsyncExitStack() as stack:
        opened = []
        for each in sources:
            own = open_generator(each.settings, engine_of(each.settings), share, reward_name)
            opened.append((each, await stack.enter_async_context(own)))
        if not settings.generators:
            yield opened[0][1]
            return
        from bestofn.generators.mixed import Member, MixedGenerator

        yield MixedGenerator(
            [Member(str(each.name), generator, each.share) for each, generator in opened]
        )
