"""The filter of broken characters: U+FFFD, controls, and UTF-8 that was read as Latin-1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.markdown import hide_code

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ud800-\udfff]")
_MOJIBAKE = re.compile(
    r"Ã[\u0080-\u00bf]|â€[\u0080-\u00bf™œ“”˜¢¦\"]|Â[\u00a0-\u00bf]|ðŸ[\u0080-\u00bf˜™]|ï¿½|Ð[\u0080-\u00bf]Ñ"
)

SEVERAL = 3
"""So many are certain; fewer may be a quotation of what went wrong elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlCharactersFilter:
    """Rejects texts whose characters are broken. Reasons: ``replacement_character`` (U+FFFD),
    ``control_character``, ``mojibake``. Where the prompt has such characters it is not judged; a
    single one is a suspicion."""

    portable: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The filter's name."""
        return "control_characters"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection that counts the characters and says where the first stands."""
        text, prompt = candidate.text, request.last_user_text
        if text.isascii() and text.isprintable():
            return None
        count = text.count("\ufffd")
        if count and "\ufffd" not in prompt:
            return self._reject("replacement_character", "U+FFFD", count, text.index("\ufffd"))
        controls = _CONTROL.findall(text)
        if controls and not _CONTROL.search(prompt):
            first = text.index(controls[0])
            shown = f"U+{ord(controls[0]):04X}"
            return self._reject("control_character", shown, len(controls), first)
        if not text.isascii() and _MOJIBAKE.search(text):
            found = list(_MOJIBAKE.finditer(hide_code(text)))
            if len(found) >= SEVERAL - 1 and not _MOJIBAKE.search(prompt):
                first, shown = found[0].start(), found[0].group()
                return self._reject("mojibake", shown, len(found), first, len(shown))
        return None

    def _reject(self, reason: str, shown: str, count: int, first: int, width: int = 1) -> Rejection:
        detail = f"{shown!s} and its like stand in it {count} times, first at character {first}"
        return Rejection(self.name, reason, detail, count >= SEVERAL, (first, first + width))
