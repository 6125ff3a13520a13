"""The response object: what a chat completion comes to. Its items are the types of the `openai`
package; the object is a plain one, which tests hold to the type: making it costs a millisecond."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from openai.types.responses import (
    ResponseCustomToolCall,
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseReasoningItem,
)
from openai.types.responses.response_output_text import Logprob
from openai.types.responses.response_reasoning_item import Content

from bestofn.openai_api.logprobs import UNKNOWN
from bestofn_server.surfaces.ending import Ending
from bestofn_server.surfaces.parts import Part
from bestofn_server.surfaces.responses.items import arguments_of
from bestofn_server.surfaces.responses.request import ResponsesRequest
from bestofn_server.surfaces.responses.tools import Tools

_Status = Literal["in_progress", "completed", "incomplete"]

CUT = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Finish reasons that make a response incomplete, and what it then says."""


class Written:
    """One response, as far as it has come.

    Args:
        body: the request.
        tools: its tools.
        notes: what of it had no effect.
    """

    def __init__(self, body: ResponsesRequest, tools: Tools, notes: Sequence[str]) -> None:
        self._body = body
        self._tools = tools
        self._notes = list(notes)
        self._id = uuid.uuid4().hex
        self._model = body.model or ""
        self._created = time.time()
        self._echoed = _echoed(body)

    def begin(self, completion: Mapping[str, Any]) -> None:
        """Take over what stands at the head of a completion."""
        self._id = str(completion.get("id") or self._id).removeprefix("chatcmpl-")
        self._model = completion.get("model") or self._model
        self._created = completion.get("created") or self._created

    def item_id(self, part: Part) -> str:
        """The id of the item that a part is in."""
        prefix = "rs" if part.kind == "reasoning" else "fc" if part.kind == "call" else "msg"
        return f"{prefix}_{self._id}_{part.index}"

    def item(self, part: Part, *, cut: bool = False, begun: bool = False) -> ResponseOutputItem:
        """A part as an item of the output.

        Args:
            part: it.
            cut: whether the answer ended in the middle of it.
            begun: whether it has only just begun, and says nothing yet.
        """
        identity = self.item_id(part)
        status: _Status = "in_progress" if begun else "incomplete" if cut else "completed"
        text = "" if begun else part.text
        if part.kind == "reasoning":
            content = [] if begun else [Content(text=text, type="reasoning_text")]
            return ResponseReasoningItem(
                id=identity, summary=[], type="reasoning", content=content, status=status
            )
        if part.kind == "call":
            return self._call(part, identity, text, status)
        return ResponseOutputMessage(
            id=identity,
            content=[] if begun else [self.content(part)],
            role="assistant",
            status=status,
            type="message",
        )

    def content(
        self, part: Part, *, begun: bool = False
    ) -> ResponseOutputText | ResponseOutputRefusal:
        """What a message holds."""
        text = "" if begun else part.text
        if part.kind == "refusal":
            return ResponseOutputRefusal(refusal=text, type="refusal")
        said = ResponseOutputText(annotations=[], text=text, type="output_text")
        if self._body.with_logprobs:
            said.logprobs = [] if begun else [logprob(each) for each in part.logprobs]
        return said

    def is_custom(self, part: Part) -> bool:
        """Whether it is a call of a custom tool."""
        return part.kind == "call" and self._tools.called(part.name).custom

    def response(
        self, output: Sequence[ResponseOutputItem], ending: Ending | None, **fields: Any
    ) -> dict[str, Any]:
        """The whole object.

        Args:
            output: its items.
            ending: how it ended; None: it has not.
            fields: that are otherwise, ``status`` and ``error`` of one that failed.
        """
        reason = CUT.get((ending and ending.finish_reason) or "")
        status = "in_progress" if ending is None else "incomplete" if reason else "completed"
        return {
            "id": f"resp_{self._id}",
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "model": self._model,
            "output": [item.to_dict(mode="json") for item in output],
            **self._echoed,
            "usage": None if ending is None else usage_of(ending),
            **fields,
            **({} if ending is None else ending.told(self._notes)),
        }

    def _call(self, part: Part, identity: str, text: str, status: _Status) -> ResponseOutputItem:
        named = self._tools.called(part.name)
        call: ResponseCustomToolCall | ResponseFunctionToolCall
        if named.custom:
            call = ResponseCustomToolCall(
                id=identity,
                call_id=part.id,
                name=named.name,
                input=arguments_of(text) if text else "",
                type="custom_tool_call",
            )
        else:
            call = ResponseFunctionToolCall(
                id=identity,
                call_id=part.id,
                name=named.name,
                arguments=text,
                type="function_call",
                status=status,
            )
        if named.namespace is not None:
            call.namespace = named.namespace
        return call


def _echoed(body: ResponsesRequest) -> dict[str, Any]:
    """What was asked, as OpenAI's API says it again."""
    asked = body.text and body.text.format
    form = {"type": "text"} if asked is None else asked.model_dump(by_alias=True, exclude_none=True)
    verbosity = None if body.text is None else body.text.verbosity
    return {
        "background": False,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "metadata": body.metadata or {},
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": None,
        "reasoning": {"effort": body.reasoning and body.reasoning.effort, "summary": None},
        "store": False,
        "temperature": body.temperature,
        "text": {"format": form, **({} if verbosity is None else {"verbosity": verbosity})},
        "tool_choice": body.tool_choice or "auto",
        "tools": body.tools or [],
        "top_logprobs": body.top_logprobs,
        "top_p": body.top_p,
        "truncation": "disabled",
        "user": body.user,
    }


def usage_of(ending: Ending) -> dict[str, Any] | None:
    """The usage, None where nobody counted; its details are null where nobody counted those."""
    if ending.count("prompt_tokens") is None and ending.count("completion_tokens") is None:
        return None
    counts = {
        "cached_tokens": ending.detail("prompt_tokens_details", "cached_tokens"),
        "cache_write_tokens": ending.cache_writes,
    }
    read = {name: counted for name, counted in counts.items() if counted is not None}
    thought = ending.detail("completion_tokens_details", "reasoning_tokens")
    return {
        "input_tokens": ending.count("prompt_tokens"),
        "input_tokens_details": read or None,
        "output_tokens": ending.count("completion_tokens"),
        "output_tokens_details": None if thought is None else {"reasoning_tokens": thought},
        "total_tokens": ending.count("total_tokens"),
    }


def logprob(given: Mapping[str, Any]) -> Logprob:
    """OpenAI's object of a token, as the Responses API has it: bytes that are unknown are none."""
    top = [_token(each) for each in given.get("top_logprobs") or ()]
    return Logprob.model_validate({**_token(given), "top_logprobs": top})


def _token(given: Mapping[str, Any]) -> dict[str, Any]:
    """With the number that stands for an unknown one: the API has no null there."""
    number = given.get("logprob")
    return {
        **given,
        "logprob": UNKNOWN if number is None else number,
        "bytes": given.get("bytes") or [],
    }
