"""The decoding loop of transformers: a request's candidates in one batch over one prompt cache.

A candidate leaves the batch the moment it ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jinja2 import TemplateError

from bestofn.core.errors import RequestError
from bestofn.core.token_details import NOTHING_APART
from bestofn.core.types import Candidate, Request
from bestofn.generators.chat_template import text_messages
from bestofn.generators.checked_request import SamplingOptions
from bestofn.generators.next_tokens import ActiveSequence, note_logprobs, sample_tokens, warpers
from bestofn.support.error_text import first_line


class BatchDecoding:
    """The candidates of one request, decoded; `run` is called on another thread than the loop's.

    Args:
        model: a causal language model of transformers'.
        tokenizer: its tokenizer.
        request: what is asked.
        options: its options, as they were checked.
        indices: of the candidates, in the order of the rows of the batch.
        framed: whether the tokenizer's own special tokens go around a rendered chat.

    Attributes:
        aborted: indices that end at their next token, with finish_reason "abort"; added to from
            another thread.
        closed: set where nothing more of it is wanted.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        request: Request,
        options: SamplingOptions,
        indices: tuple[int, ...],
        *,
        framed: bool = False,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._framed = framed
        self._request = request
        self._options = options
        self._indices = indices
        self.aborted: set[int] = set()
        self.closed = threading.Event()

    def run(self, emit: Callable[[Candidate | None], None]) -> None:
        """Hand each candidate to `emit` once it ends, its snapshots before, and None at the end.

        Raises:
            RequestError: the chat cannot be rendered, or the prompt is over the context.
        """
        try:
            with torch.inference_mode():
                self._decode(emit)
        finally:
            emit(None)

    def _decode(self, emit: Callable[[Candidate | None], None]) -> None:
        prompt = self._prompt()
        limit = self._limit(prompt.shape[1])
        settings = self._model.generation_config
        greedy, warped = warpers(self._request.temperature, self._options, settings)
        eos = settings.eos_token_id
        ends = set(eos) if isinstance(eos, list) else {eos}
        stops = stop_strings(self._request)

        output = self._model(prompt, use_cache=True, logits_to_keep=1)
        cache = output.past_key_values
        cache.batch_repeat_interleave(len(self._indices))
        logits = output.logits[:, -1].repeat(len(self._indices), 1)
        active = [ActiveSequence(index, self._rng(index)) for index in self._indices]
        while active and not self.closed.is_set():
            sampled = sample_tokens(warped(prompt, logits.float()), active, greedy)
            if self._request.token_logprobs:
                note_logprobs(active, sampled, logits.float())
            keep = []
            for at, (sequence, token) in enumerate(zip(active, sampled, strict=True)):
                sequence.tokens.append(token)
                reason = self._finish_reason(sequence, ends, stops, limit)
                if reason is None:
                    keep.append(at)
                if reason is not None or self._is_due(sequence):
                    emit(self._candidate(sequence, reason, prompt.shape[1], ends, stops))
            left = [active[at] for at in keep]
            if left:
                if len(left) < len(active):
                    cache.batch_select_indices(torch.tensor(keep, device=prompt.device))
                last = torch.tensor(
                    [[sequence.tokens[-1]] for sequence in left], device=prompt.device
                )
                output = self._model(last, past_key_values=cache, use_cache=True)
                logits = output.logits[:, -1]
            active = left

    def _prompt(self) -> torch.Tensor:
        if self._request.raw:
            ids = self._tokenizer(self._request.last_user_text)["input_ids"] or self._beginning()
            return torch.tensor([ids], device=self._model.device)
        tools = self._options.tools
        text = self._rendered(tools)
        if tools and text == self._rendered(None):
            raise RequestError("the model's chat template shows no tools", param="tools")
        ids = self._tokenizer(text, add_special_tokens=self._framed)["input_ids"]
        return torch.tensor([ids], device=self._model.device)

    def _rendered(self, tools: Any) -> str:
        """The conversation as the chat template writes it."""
        try:
            text: str = self._tokenizer.apply_chat_template(
                text_messages(self._request.messages, "the transformers engine reads text alone"),
                tools=tools,
                add_generation_prompt=True,
                tokenize=False,
                **(self._options.chat_template_kwargs or {}),
            )
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            # What a client hands to a template may be of another type than it counts on.
            raise RequestError(
                f"the chat template cannot show this conversation: {first_line(error)}"
            ) from error
        return text

    def _beginning(self) -> list[int]:
        """What a text begins with, where nothing is given."""
        token = self._tokenizer.bos_token_id
        if token is None:
            raise RequestError(
                "the prompt is empty, and the model has no token that a text begins with",
                param="prompt",
            )
        return [token]

    def _limit(self, prompt_tokens: int) -> int:
        """How many tokens each candidate may have."""
        context = int(self._model.config.max_position_embeddings)
        if prompt_tokens >= context:
            raise RequestError(
                f"the prompt has {prompt_tokens} tokens; the model's context is {context}"
            )
        default = self._model.generation_config.max_new_tokens
        wanted = self._request.max_tokens or default or context
        return int(min(wanted, context - prompt_tokens))

    def _rng(self, index: int) -> torch.Generator | None:
        seed = self._request.seed_of(index)
        if seed is None:
            return None
        return torch.Generator(self._model.device).manual_seed(seed)

    def _finish_reason(
        self, sequence: ActiveSequence, ends: set[int], stops: Sequence[str], limit: int
    ) -> str | None:
        if sequence.index in self.aborted:
            return "abort"
        if sequence.tokens[-1] in ends:
            return "stop"
        if stops and any(stop in self._tokenizer.decode(sequence.tokens) for stop in stops):
            return "stop"
        return "length" if len(sequence.tokens) >= limit else None

    def _is_due(self, sequence: ActiveSequence) -> bool:
        """Whether a snapshot of a running candidate is wanted now."""
        every = self._request.snapshot_tokens
        return every is not None and len(sequence.tokens) % every == 0

    def _candidate(
        self,
        sequence: ActiveSequence,
        reason: str | None,
        prompt_tokens: int,
        ends: set[int],
        stops: Sequence[str],
    ) -> Candidate:
        shown = sequence.tokens[:-1] if sequence.tokens[-1] in ends else sequence.tokens
        text = self._tokenizer.decode(shown, skip_special_tokens=True)
        for stop in stops:
            text = text.split(stop, 1)[0]
        if reason is None:
            text = text.rstrip("\ufffd")  # half a character: the rest of it is still to come
        return Candidate(
            index=sequence.index,
            message={"role": "assistant", "content": text},
            finish_reason=reason,
            completion_tokens=len(sequence.tokens),
            prompt_tokens=prompt_tokens,
            token_ids=tuple(sequence.tokens),
            seed=self._request.seed_of(sequence.index),
            vouched=True,
            details=NOTHING_APART,
        ).with_token_logprobs(sequence.logprobs)


def stop_strings(request: Request) -> Sequence[str]:
    """What an answer ends before.

    Raises:
        RequestError: it is neither a text nor a list of texts.
    """
    stop = request.options.get("stop")
    given = () if stop is None else (stop,) if isinstance(stop, str) else stop
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
        raise RequestError("stop must be a text or a list of texts", param="stop")
    return tuple(each for each in given if each)
