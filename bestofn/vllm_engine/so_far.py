"""What a running vLLM engine has decoded of a request so far, read off its output processor.

vLLM hands out a request that is not streamed only once it is done, and an output for each token of
one that is. Both are left as they are: its detokenizer holds text and tokens of every running
request, and is only looked at. So an answer is the same whether anybody looks or not, and looking
costs the engine nothing.
"""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger(__name__)


class SoFar:
    """The running requests of one engine.

    Args:
        llm: vLLM's AsyncLLM.
        chat: its `openai_serving_chat`, whose parsers take thoughts and tool calls out of a text.
    """

    def __init__(self, llm: Any, chat: Any) -> None:
        self._outputs = getattr(
            llm, "output_processor", None
        )  # another client of the engine has none
        self._chat = chat

    @property
    def parses(self) -> bool:
        """Whether vLLM takes anything out of the text of a chat's answer."""
        return self._chat.parser_cls is not None

    def tokens(self, engine_id: str) -> int:
        """How many tokens the request has; 0: it has none yet, or does not run."""
        state = self._state(engine_id)
        return 0 if state is None else int(state.detokenizer.num_output_tokens())

    def message(self, engine_id: str, request: Any | None) -> tuple[dict[str, Any], int] | None:
        """(the assistant message as far as it goes, its tokens); None: there is none.

        Thoughts and tool calls stand apart as far as vLLM's parsers can tell them yet; half a call
        may stand in the content, or nowhere.

        Args:
            engine_id: the engine's name of the request.
            request: vLLM's chat request; None: its text is continued as it is.
        """
        state = self._state(engine_id)
        if state is None:
            return None
        detokenizer = state.detokenizer
        text, tokens = str(detokenizer.output_text), detokenizer.num_output_tokens()
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if request is not None and self.parses:
            message |= self._parsed(text, state, request)
        return message, int(tokens)

    def _parsed(self, text: str, state: Any, request: Any) -> dict[str, Any]:
        """What vLLM's parsers make of half an answer, which they are not made for."""
        chat = self._chat
        try:
            given = chat._effective_chat_template_kwargs(request)
            parser = chat._make_parser(request, chat.renderer.tokenizer, given)
            if state.prompt_token_ids is not None:
                parser.set_prompt_token_ids(state.prompt_token_ids)
            ids = [*state.detokenizer.output_token_ids]
            reasoning, content, calls = parser.parse(
                text, request, enable_auto_tools=chat.enable_auto_tools, model_output_token_ids=ids
            )
        except Exception as error:  # whatever a parser makes of half a call: nothing is known yet
            logger.debug("half an answer cannot be parsed", exc_info=error)
            return {"content": None}
        message: dict[str, Any] = {"content": content}
        if reasoning:
            message["reasoning"] = reasoning
        if calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": _function(call)} for call in calls
            ]
        return message

    def _state(self, engine_id: str) -> Any | None:
        """vLLM's state of a running request; None: it does not run."""
        if self._outputs is None:
            return None
        found = self._outputs.external_req_ids.get(engine_id)  # one a choice: there is one
        return self._outputs.request_states.get(found[0]) if found else None


def _function(call: Any) -> dict[str, Any]:
    return {"name": call.name, "arguments": call.arguments}
