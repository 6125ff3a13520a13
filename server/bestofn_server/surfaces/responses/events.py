"""The events of a streamed response, in OpenAI's order, numbered from 0.

response.created, response.in_progress
for each item   response.output_item.added
                response.content_part.added      (not of a call)
                ... .delta, ...                  output_text, refusal, reasoning_text,
                ... .done                        function_call_arguments, custom_tool_call_input
                response.content_part.done       (not of a call)
                response.output_item.done
response.completed, .incomplete or .failed
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openai.types.responses import ResponseOutputItem

from bestofn_server.errors import stream_error
from bestofn_server.surfaces.ending import Ending, first_choice
from bestofn_server.surfaces.parts import Closed, Opened, Part, PartReader, Said, Step
from bestofn_server.surfaces.responses.answer import CUT, Written, logprob
from bestofn_server.surfaces.surface import KEEP_ALIVE, Object, event

_WORDS = {"text": "output_text", "refusal": "refusal", "reasoning": "reasoning_text"}


class ResponseTelling:
    """See `Telling`.

    Args:
        written: the response.
    """

    keep_alive = KEEP_ALIVE

    def __init__(self, written: Written) -> None:
        self._written = written
        self._reader = PartReader()
        self._ending = Ending()
        self._number = 0
        self._begun = False
        self._output: list[ResponseOutputItem] = []

    def foretold(self, completion: Object) -> None:
        """See `Telling`: the last event says it."""

    def chunk(self, chunk: Object) -> Iterable[bytes]:
        """See `Telling`."""
        yield from self._begin(chunk)
        choice = first_choice(chunk)
        for step in self._reader.read(choice.get("delta") or {}, choice.get("logprobs")):
            yield from self._step(step)
        self._ending.read(chunk)  # afterwards: what cut the answer cut its last part

    def end(self) -> Iterable[bytes]:
        """See `Telling`."""
        yield from self._begin({})
        for step in self._reader.close():
            yield from self._step(step)
        cut = (self._ending.finish_reason or "") in CUT
        response = self._written.response(self._output, self._ending)
        yield self._event(f"response.{'incomplete' if cut else 'completed'}", response=response)

    def failed(self, error: Exception) -> Iterable[bytes]:
        """See `Telling`."""
        yield from self._begin({})
        said = stream_error(error)["error"]
        about = {name: said[name] for name in ("code", "message", "param")}
        yield self._event("error", **about)
        code = "rate_limit_exceeded" if said["type"] == "rate_limit_error" else "server_error"
        response = self._written.response(
            self._output, None, status="failed", error={"code": code, "message": said["message"]}
        )
        yield self._event("response.failed", response=response)

    def _begin(self, chunk: Object) -> Iterator[bytes]:
        if self._begun:
            return
        self._begun = True
        self._written.begin(chunk)
        response = self._written.response((), None)
        yield self._event("response.created", response=response)
        yield self._event("response.in_progress", response=response)

    def _step(self, step: Step) -> Iterator[bytes]:
        part = step.part
        place = {"output_index": part.index}
        if isinstance(step, Opened):
            begun = self._written.item(part, begun=True).to_dict(mode="json")
            yield self._event("response.output_item.added", **place, item=begun)
            if part.kind != "call":
                yield from self._content("added", part, begun=True)
        elif isinstance(step, Said):
            yield from self._delta(step)
        elif isinstance(step, Closed):
            item = self._written.item(part, cut=self._is_cut)
            self._output.append(item)
            told = item.to_dict(mode="json")
            yield from self._done(part, told)
            yield self._event("response.output_item.done", **place, item=told)

    @property
    def _is_cut(self) -> bool:
        """Whether what is open is where the answer was cut: it is closed after the reason came."""
        return (self._ending.finish_reason or "") in CUT

    def _delta(self, step: Said) -> Iterator[bytes]:
        part, place = step.part, self._place(step.part)
        if part.kind == "call":
            if not self._written.is_custom(part):  # else it is JSON, of which the text comes whole
                yield self._event(
                    "response.function_call_arguments.delta", **place, delta=step.piece
                )
            return
        more: dict[str, Any] = {"content_index": 0}
        if part.kind == "text":
            more["logprobs"] = [logprob(each).to_dict() for each in step.logprobs]
        yield self._event(f"response.{_WORDS[part.kind]}.delta", **place, **more, delta=step.piece)

    def _done(self, part: Part, item: Mapping[str, Any]) -> Iterator[bytes]:
        place = self._place(part)
        if part.kind != "call":
            more: dict[str, Any] = {"content_index": 0}
            more["refusal" if part.kind == "refusal" else "text"] = part.text
            if part.kind == "text":
                more["logprobs"] = [logprob(each).to_dict() for each in part.logprobs]
            yield self._event(f"response.{_WORDS[part.kind]}.done", **place, **more)
            yield from self._content("done", part)
        elif self._written.is_custom(part):
            said = item["input"]
            yield self._event("response.custom_tool_call_input.delta", **place, delta=said)
            yield self._event("response.custom_tool_call_input.done", **place, input=said)
        else:
            name, arguments = item["name"], item["arguments"]
            yield self._event(
                "response.function_call_arguments.done", **place, name=name, arguments=arguments
            )

    def _content(self, what: str, part: Part, *, begun: bool = False) -> Iterator[bytes]:
        if part.kind == "reasoning":
            said: Any = {"type": "reasoning_text", "text": "" if begun else part.text}
        else:
            said = self._written.content(part, begun=begun).to_dict(mode="json")
        place = self._place(part)
        yield self._event(f"response.content_part.{what}", **place, content_index=0, part=said)

    def _place(self, part: Part) -> dict[str, Any]:
        return {"output_index": part.index, "item_id": self._written.item_id(part)}

    def _event(self, kind: str, **fields: Any) -> bytes:
        numbered = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return event(numbered, kind)
