"""Finish reasons: the words of many servers for why an answer ended, as OpenAI's and vLLM's.

    known_as("MAX_TOKENS")     "length"
    known_as("eos_token")      "stop"
    known_as(None)             "unknown"

A word that nobody knows is kept. It is an end that nobody vouches for: the text is judged by its
structure, as it is after "stop".
"""

from __future__ import annotations

from collections.abc import Mapping

UNKNOWN = "unknown"
"""What an end is called that a server says nothing of."""

CUT_OFF = frozenset({"length", "abort", "repetition", "content_filter", "error"})
"""Finish reasons that say that the answer was cut: by a limit, from outside, by vLLM's stop of a
loop, by a filter of contents, by a fault. Any other is an end."""

_NAMES: Mapping[str, str] = {
    # stop: TGI, Together, Anthropic, Cohere, Bedrock, LM Studio
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence"), "stop"),
    **dict.fromkeys(("complete", "completed", "finished", "done", "eosfound"), "stop"),
    **dict.fromkeys(("stop_token", "end_of_text", "end_of_turn", "normal"), "stop"),
    # length: Anthropic, Bedrock, Cohere, Gemini; Mistral; TGI's parameter; OpenAI's responses API
    **dict.fromkeys(("length", "max_tokens", "model_length", "max_length"), "length"),
    **dict.fromkeys(("max_new_tokens", "max_output_tokens", "maxpredictedtokensreached"), "length"),
    **dict.fromkeys(("model_context_window_exceeded", "context_length", "error_limit"), "length"),
    **dict.fromkeys(("contextlengthreached", "token_limit", "incomplete", "truncated"), "length"),
    # tool calls: Anthropic and Bedrock, Cohere
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use"), "tool_calls"),
    "function_call": "function_call",
    # filters of contents: Gemini, Bedrock, Cohere, Anthropic
    **dict.fromkeys(("content_filter", "content_filtered", "safety"), "content_filter"),
    **dict.fromkeys(("recitation", "blocklist", "prohibited_content", "spii"), "content_filter"),
    **dict.fromkeys(("guardrail_intervened", "error_toxic", "refusal"), "content_filter"),
    # stopped from outside: vLLM and SGLang, Cohere, DeepSeek
    **dict.fromkeys(("abort", "aborted", "cancelled", "canceled", "user_cancel"), "abort"),
    "insufficient_system_resource": "abort",
    "repetition": "repetition",
    "error": "error",
}
"""Words, in lower case with underscores, to what they are called here; sources: the API pages of
those named."""


def known_as(word: object) -> str:
    """The finish reason as OpenAI or vLLM call it; case, and hyphens for underscores, aside.

    Args:
        word: a server's. One that nobody knows stays as it came; nothing, and what is no text, is
            `UNKNOWN`.
    """
    if not isinstance(word, str) or not word.strip():
        return UNKNOWN
    plain = word.strip().lower().replace("-", "_").replace(" ", "_")
    return _NAMES.get(plain.removeprefix("finish_reason_"), word.strip()[:64])


def ended_by_itself(reason: str | None) -> bool:
    """Whether the model ended by itself, as far as the finish reason says; None: it has not."""
    return reason is not None and reason not in CUT_OFF
