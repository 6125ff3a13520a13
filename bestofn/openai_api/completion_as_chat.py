"""A chat asked for as a raw completion: its fields there, and the answer as a chat's again.

It serves engines that have no chat template of their own: the conversation is rendered elsewhere,
and is the completion's `prompt`.

    completion_fields({"logprobs": True, "top_logprobs": 2})    # {"logprobs": 2}
    as_chat({"choices": [{"text": "3"}], "object": "text_completion"})
    # {"choices": [{"message": {"role": "assistant", "content": "3"}}], "object": "chat.completion"}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bestofn.core.errors import RequestError
from bestofn.openai_api.completions import Completion

_OF_CHATS = frozenset(
    {"tool_choice", "parallel_tool_calls", "chat_template_kwargs", "top_logprobs"}
    | {"add_generation_prompt", "reasoning_effort"}
)
"""Fields of a chat request that say nothing without tools, or where somebody else renders it."""

_REFUSED = ("tools", "functions", "continue_final_message", "chat_template", "documents")
"""Fields that only a server with a chat template can act on."""


def completion_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a completion request that stand for those of a chat, the prompt apart.

    Raises:
        RequestError: one of them needs the server's own chat template.
    """
    if refused := [name for name in _REFUSED if fields.get(name)]:
        raise RequestError(
            f"{', '.join(refused)}: not taken here, since this chat is sent as a raw completion"
        )
    given = {
        name: value
        for name, value in fields.items()
        if name not in _OF_CHATS and name not in _REFUSED and name != "messages"
    }
    limit = given.pop("max_completion_tokens", None)
    if limit is not None:
        given["max_tokens"] = limit
    if given.pop("logprobs", None):
        given["logprobs"] = alternatives(fields) or 1
    return given


def alternatives(fields: Mapping[str, Any]) -> int:
    """How many alternatives of each token a chat request asks for.

    Raises:
        RequestError: it says no number.
    """
    asked = fields.get("top_logprobs") or 0
    if not isinstance(asked, int):
        raise RequestError("top_logprobs: it has to be a whole number", param="top_logprobs")
    return int(asked)


def chat_logprobs(given: Mapping[str, Any] | None, top: int) -> dict[str, Any] | None:
    """A completion's logprobs as a chat's; None where there are none.

    Args:
        given: lists of `tokens`, `token_logprobs` and `top_logprobs`.
        top: alternatives of each token that were asked for.
    """
    if not given or not isinstance(given.get("tokens"), list):
        return None
    tokens, values, tops = (
        listed if isinstance(listed := given.get(name), list) else []
        for name in ("tokens", "token_logprobs", "top_logprobs")
    )
    content = []
    for at, token in enumerate(tokens):
        others = tops[at] if at < len(tops) and isinstance(tops[at], Mapping) else {}
        numbers = [each for each in others.items() if isinstance(each[1], int | float)]
        listed = sorted(numbers, key=lambda each: -each[1])[:top]
        content.append(
            {
                **_token(token, values[at] if at < len(values) else None),
                "top_logprobs": [_token(*each) for each in listed],
            }
        )
    return {"content": content}


def with_chat_logprobs(completion: Completion, top: int) -> Completion:
    """A completion that was read, with the logprobs of its choices as a chat has them."""
    choices = (
        replace(choice, logprobs=chat_logprobs(choice.logprobs, top))
        for choice in completion.choices
    )
    return replace(completion, choices=tuple(choices))


def as_chat(answer: Mapping[str, Any], top: int = 0) -> dict[str, Any]:
    """A completion as a chat's.

    Args:
        answer: OpenAI's object.
        top: alternatives of each token that were asked for.
    """
    return _converted(answer, top, "message")


def as_chat_chunk(chunk: Mapping[str, Any], top: int = 0) -> dict[str, Any]:
    """A chunk of a streamed completion as a chat's."""
    return _converted(chunk, top, "delta")


def _converted(answer: Mapping[str, Any], top: int, name: str) -> dict[str, Any]:
    kind = "chat.completion" if name == "message" else "chat.completion.chunk"
    choices = []
    for choice in answer.get("choices") or ():
        rest = {key: value for key, value in choice.items() if key not in ("text", "logprobs")}
        said = {"role": "assistant", "content": choice.get("text") or ""}
        choices.append({**rest, name: said, "logprobs": chat_logprobs(choice.get("logprobs"), top)})
    return {**answer, "object": kind, "choices": choices}


def _token(token: str, logprob: float | None) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(str(token).encode())}
