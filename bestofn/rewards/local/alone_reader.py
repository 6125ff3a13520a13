"""One text a forward: rewards that are a function of the text alone, to the last bit."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.readers import Reader, Reading
from bestofn.rewards.local.shared_prefixes import Ids


class AloneReader:
    """Reads every text in a forward of its own, with nothing kept from any other.

    Sums of floats depend on their order, and kernels choose it by the shape of what they get. A
    text alone has one shape, so its reward is the same whatever is scored beside it, before it, or
    within which budget; on the same device, with the same number of threads and the same versions
    of the libraries. What texts share is computed again with each.

    Args:
        reader: what runs the forward.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def model(self) -> nn.Module:
        """See `Reader`."""
        return self._reader.model

    def plan(self, texts: Sequence[Ids], max_tokens: int) -> list[Batch]:
        """See `Reader`; each text goes alone, in the order given."""
        return [Batch([ids], [index]) for index, ids in enumerate(texts)]

    def __call__(self, texts: Sequence[Ids]) -> list[Reading]:
        """See `Reader`; one forward after the other."""
        readings: list[Reading] = []
        for ids in texts:
            self._reader.release()  # a kept prefix would make another forward of the next text
            readings += self._reader([ids])
        return readings

    def release(self) -> bool:
        """See `Reader`."""
        return self._reader.release()
