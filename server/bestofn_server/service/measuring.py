"""Requests that only measure: there is nothing to choose in them, so one candidate answers.

Evaluation harnesses ask for the log-probabilities of a text that exists (`echo`, a prompt in
tokens, `prompt_logprobs`), or of the next token. Sampled eight times they would be the same.

    measured(CompletionRequest(prompt="2 + 3 = 5", echo=True))     "echo"
    measured(CompletionRequest(prompt="2 + 3 ="))                  None
"""

from __future__ import annotations

from typing import Any

from bestofn_server.wire.requests import ChatRequest, CompletionRequest

NOTHING_TO_CHOOSE = "X-Bestofn-Nothing-To-Choose"
"""Header of an answer that is the engine's own, since the request only measures: the field that
says so."""


def measured(body: ChatRequest | CompletionRequest) -> str | None:
    """The field by which a request only measures; None: it asks for an answer.

    A request with a `bestofn` object asks for a choice. So does one that says itself how many are
    to be sampled or returned, where that can be done: of answers of one token, which are voted on.
    """
    if body.bestofn is not None:
        return None
    further = body.further
    if isinstance(body, CompletionRequest) and body.texts is None:
        return "prompt"
    if further.get("echo"):
        return "echo"
    if _given(further.get("prompt_logprobs")):
        return "prompt_logprobs"
    if body.token_limit == 0:
        return "max_tokens"
    if (
        body.token_limit == 1
        and _given(further.get("logprobs"))
        and max(body.best_of or 1, body.n or 1) == 1
    ):
        return "max_tokens"
    return None


def _given(value: Any) -> bool:
    """Whether a number of log-probabilities is asked for; 0 are those of the tokens themselves."""
    return value is not None and value is not False
