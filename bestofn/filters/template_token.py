"""The filter of leaked chat templates: a token of one in the text, and a dialogue behind it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.types import Candidate, Rejection, Request, message_text
from bestofn.filters.chat_tokens import (
    MARKUP,
    OPENS_TURN,
    pattern,
    strip_end,
    token_start,
)
from bestofn.filters.markdown import hide_code
from bestofn.filters.reasoning import split_reasoning


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateTokenFilter:
    """Rejects candidates in which a dialogue goes on behind a chat template's token. Reasons:
    ``dialogue_goes_on`` (another turn begins behind it), ``token_in_text`` (something else does; a
    suspicion where the token may be markup, as <s> or [INST]). On real outputs 6 of 6 were leaks.

    A token at the very end is no fault: every filter judges the text without it, and `mend` takes
    it off. Tokens in code, and those that the prompt itself names, are what is talked about.

    Args:
        tokens: the model's own special tokens, besides the known ones (`chat_tokens.KNOWN`);
            none: builders take them from the tokenizer of the model that samples, where its files
            are on this machine.
    """

    tokens: str | Sequence[str] = ()

    portable: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The filter's name."""
        return "template_token"

    @property
    def _own(self) -> tuple[str, ...]:
        given = (self.tokens,) if isinstance(self.tokens, str) else tuple(self.tokens)
        return tuple(token for token in given if token.strip())

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection that names the token and where it stands."""
        if not token_start(self._own).search(candidate.text):
            return None
        answer, _ = strip_end(split_reasoning(candidate.text).answer, self._own)
        hidden = hide_code(answer)
        prompt = "\n".join(message_text(message) for message in request.messages)
        for found in pattern(self._own).finditer(hidden):
            token = found.group()
            if token in prompt or not answer[: found.start()].strip():
                continue
            if token in ("<s>", "</s>") and "<s>" in answer and "</s>" in answer:
                continue  # HTML's strike
            opens = OPENS_TURN.match(hidden, found.start()) or OPENS_TURN.match(hidden, found.end())
            where = f"{token} stands at character {found.start()}"
            if opens:
                return Rejection(
                    self.name, "dialogue_goes_on", f"{where}, and another turn begins behind it"
                )
            certain = token.startswith(("<|", "<｜")) or token in self._own
            certain = certain and token not in MARKUP
            return Rejection(self.name, "token_in_text", f"{where}, not at its end", certain)
        return None

    def mend(self, candidate: Candidate) -> Candidate:
        """The candidate without the tokens at the end of its content, which ``extra`` names as
        ``stripped_tokens``; itself where there are none."""
        content = candidate.message.get("content")
        if not isinstance(content, str):
            return candidate
        rest, tokens = strip_end(content, self._own)
        if not tokens:
            return candidate
        return dataclasses.replace(
            candidate,
            message={**candidate.message, "content": rest},
            extra={**candidate.extra, "stripped_tokens": list(tokens)},
        )
