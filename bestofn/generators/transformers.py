"""Sampling with transformers in this process: the small fallback where vLLM does not install.

All candidates of a request decode in one batch over one prompt cache; a candidate leaves the batch
the moment it ends. Requests wait for each other. The decoding loop runs on one worker thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import AutoModelForCausalLM, AutoTokenizer

from bestofn.core.errors import ModelError, RequestError
from bestofn.core.types import Candidate, Request
from bestofn.generators.chat_template import ChatTemplate, text_messages
from bestofn.generators.hub_tokenizer import HubTokenizer
from bestofn.generators.next_tokens import ActiveSequence, note_logprobs, sample_tokens, warpers
from bestofn.openai_api.documented_fields import engine_fields, require_known
from bestofn.support.error_text import first_line

KNOWN_OPTIONS = frozenset({"top_p", "top_k", "stop", "tools", "chat_template_kwargs", "model"})
"""The request options that this engine understands; of others see `engine_fields`."""


class TransformersGenerator:
    """Samples with a causal language model in this process; make it with `load`."""

    snapshots = True

    def __init__(self, model: Any, tokenizer: Any, *, frames_chats: bool = False) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._frames_chats = frames_chats
        self.context = int(model.config.max_position_embeddings)
        self._asked = HubTokenizer(tokenizer, self.context)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="bestofn-generator")

    @classmethod
    def load(
        cls,
        model: str,
        *,
        device: str = "auto",
        dtype: str = "auto",
        chat_template: ChatTemplate | None = None,
    ) -> TransformersGenerator:
        """Read model and tokenizer from a folder or the hub.

        A model without a chat template continues texts (`Request.raw`), and answers no chats.

        Args:
            model: folder or hub name.
            device: a torch device; auto takes CUDA or MPS where there is one.
            dtype: a torch dtype's name; auto takes the checkpoint's on a GPU, float32 on the CPU.
            chat_template: instead of the checkpoint's own; None: that, where it has one.

        Raises:
            ModelError: not found, not readable, or no causal language model.
        """
        where = _default_device() if device == "auto" else torch.device(device)
        kind: Any = dtype
        if dtype == "auto" and where.type == "cpu":
            kind = torch.float32
        try:
            tokenizer = AutoTokenizer.from_pretrained(model)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                model, dtype=kind, output_loading_info=True
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(f"cannot load {model}: {str(error).splitlines()[0]}") from error
        network, info = loaded
        if missing := sorted(info["missing_keys"]):
            raise ModelError(
                f"{model} is not a causal language model: its checkpoint lacks {missing[0]}"
                + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
            )
        if chat_template is not None:
            tokenizer.chat_template = chat_template.text
        framed = chat_template is not None and chat_template.framed
        return cls(network.to(where).eval(), tokenizer, frames_chats=framed)

    def sample(self, request: Request, indices: Sequence[int]) -> _BatchSampling:
        """Decode one candidate per index in one batch; see `bestofn.core.protocols.Generator`."""
        require_known(request.options, KNOWN_OPTIONS, "the transformers engine")
        if not request.raw and self._tokenizer.chat_template is None:
            raise RequestError(
                "the model has no chat template: ask it to continue a text (completions), or name "
                "a template (chat_template)"
            )
        decoding = _Decoding(
            self._model, self._tokenizer, request, tuple(indices), framed=self._frames_chats
        )
        return _BatchSampling(decoding, self._worker)

    def ignored(self, request: Request) -> Sequence[str]:
        """Fields of OpenAI's without an effect here; see `bestofn.core.protocols.Ignoring`."""
        return engine_fields(request.options, KNOWN_OPTIONS)[1]

    async def tokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `bestofn.core.tokenizing.Tokenizing`."""
        return await self._asked.tokenize(body)

    async def detokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `bestofn.core.tokenizing.Tokenizing`."""
        return await self._asked.detokenize(body)

    def close(self) -> None:
        """Wait for the running batch and free the thread."""
        self._worker.shutdown(cancel_futures=True)


class _BatchSampling:
    """Hands the candidates from the decoding thread to the event loop."""

    def __init__(self, decoding: _Decoding, worker: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        self._decoding = decoding
        self._queue: asyncio.Queue[Candidate | None] = asyncio.Queue()

        def emit(candidate: Candidate | None) -> None:
            loop.call_soon_threadsafe(self._queue.put_nowait, candidate)

        self._future = loop.run_in_executor(worker, decoding.run, emit)

    def __aiter__(self) -> _BatchSampling:
        return self

    async def __anext__(self) -> Candidate:
        candidate = await self._queue.get()
        if candidate is None:
            await self._future  # raises what the thread raised
            raise StopAsyncIteration
        return candidate

    def abort(self, index: int) -> None:
        self._decoding.aborted.add(index)

    async def aclose(self) -> None:
        self._decoding.closed.set()
        await asyncio.gather(self._future, return_exceptions=True)


class _Decoding:
    """The decoding loop of one request; `run` is called on the worker thread."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        request: Request,
        indices: tuple[int, ...],
        *,
        framed: bool = False,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._framed = framed
        self._request = request
        self._indices = indices
        self.aborted: set[int] = set()
        self.closed = threading.Event()

    def run(self, emit: Any) -> None:
        try:
            with torch.inference_mode():
                self._decode(emit)
        finally:
            emit(None)

    def _decode(self, emit: Any) -> None:
        prompt = self._prompt()
        limit = self._limit(prompt.shape[1])
        settings = self._model.generation_config
        greedy, warped = warpers(self._request, settings)
        eos = settings.eos_token_id
        ends = set(eos) if isinstance(eos, list) else {eos}
        stops = _stop_strings(self._request)

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
        options = self._request.options
        if self._request.raw:
            ids = self._tokenizer(self._request.last_user_text)["input_ids"]
            return torch.tensor([ids], device=self._model.device)
        try:
            text = self._tokenizer.apply_chat_template(
                text_messages(self._request.messages, "the transformers engine reads text alone"),
                tools=options.get("tools"),
                add_generation_prompt=True,
                tokenize=False,
                **options.get("chat_template_kwargs", {}),
            )
        except TemplateError as error:
            raise RequestError(
                f"the chat template cannot show this conversation: {first_line(error)}"
            ) from error
        ids = self._tokenizer(text, add_special_tokens=self._framed)["input_ids"]
        return torch.tensor([ids], device=self._model.device)

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
        ).with_token_logprobs(sequence.logprobs)


def _stop_strings(request: Request) -> Sequence[str]:
    stop = request.options.get("stop") or ()
    return (stop,) if isinstance(stop, str) else tuple(stop)


def _default_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
