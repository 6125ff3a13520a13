"""The conversation of a request, turn by turn, as the messages of chat completions.

Both surfaces have the parts of a turn one by one, where chat completions have one message: what
the model thought, said and called in one turn is one message; what several tools returned are
messages of their own, and the pictures among it follow as the user's: a tool's message is text.
Instructions before the first turn are one system message: many chat templates take no second one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

Part = dict[str, Any]


class Conversation:
    """Builds messages; call `messages` at the end."""

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._turn: dict[str, Any] | None = None
        self._pictures: list[Part] = []

    def instruct(self, text: str) -> None:
        """The system says it; nothing where the text is empty, as some clients send it."""
        if not text:
            return
        self._end_turn()
        first = self._messages[0] if len(self._messages) == 1 else {}
        if first.get("role") == "system":
            first["content"] += f"\n\n{text}"
        else:
            self._messages.append({"role": "system", "content": text})

    def ask(self, parts: Sequence[Part]) -> None:
        """The user says it; a single text is the whole content."""
        self._end_turn()
        alone = len(parts) == 1 and parts[0]["type"] == "text"
        self._messages.append({"role": "user", "content": parts[0]["text"] if alone else [*parts]})

    def think(self, text: str) -> None:
        """The model thought it, before it went on."""
        if self._turn is not None and self._turn.keys() & {"content", "tool_calls"}:
            self._end_turn()
        self._add("reasoning", text)

    def answer(self, text: str) -> None:
        """The model said it."""
        if self._turn is not None and "tool_calls" in self._turn:
            self._end_turn()
        self._add("content", text)

    def call(self, identity: str, name: str, arguments: Any) -> None:
        """The model called a function.

        Args:
            identity: that its result names.
            name: of the function.
            arguments: JSON text, or what it says.
        """
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        function = {"name": name, "arguments": arguments}
        turn = self._turn or self._begin_turn()
        turn.setdefault("tool_calls", []).append(
            {"id": identity, "type": "function", "function": function}
        )

    def result(self, identity: str, parts: Sequence[Part]) -> None:
        """A function returned it."""
        if self._turn is not None:
            self._end_turn()
        texts = [part["text"] for part in parts if part["type"] == "text"]
        self._messages.append(
            {"role": "tool", "tool_call_id": identity, "content": "\n".join(texts)}
        )
        self._pictures += [part for part in parts if part["type"] != "text"]

    def messages(self) -> list[dict[str, Any]]:
        """All of it."""
        self._end_turn()
        return self._messages

    def _add(self, name: str, text: str) -> None:
        turn = self._turn or self._begin_turn()
        turn[name] = turn.get(name, "") + text

    def _begin_turn(self) -> dict[str, Any]:
        self._end_turn()
        self._turn = {"role": "assistant"}
        return self._turn

    def _end_turn(self) -> None:
        if self._pictures:
            pictures, self._pictures = self._pictures, []
            self._messages.append({"role": "user", "content": pictures})
        if self._turn is not None:
            self._messages.append({"content": None, **self._turn})
            self._turn = None
