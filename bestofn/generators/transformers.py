"""Sampling with transformers in this process: the small fallback where vLLM does not install.

All candidates of a request decode in one batch (`batch_decoding`), on one worker thread: requests
wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bestofn.core.errors import ModelError, RequestError
from bestofn.core.types import Candidate, Request
from bestofn.generators.batch_decoding import BatchDecoding, stop_strings
from bestofn.generators.chat_template import ChatTemplate
from bestofn.generators.checked_request import check_contents, sampling_options
from bestofn.generators.hub_tokenizer import HubTokenizer
from bestofn.openai_api.documented_fields import engine_fields, require_known

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
        stop_strings(request)  # refused before anything is decoded, as these are
        options = sampling_options(request)
        check_contents(request)
        if not request.raw and self._tokenizer.chat_template is None:
            raise RequestError(
                "the model has no chat template: ask it to continue a text (completions), or name "
                "a template (chat_template)"
            )
        decoding = BatchDecoding(
            self._model,
            self._tokenizer,
            request,
            options,
            tuple(indices),
            framed=self._frames_chats,
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

    def __init__(self, decoding: BatchDecoding, worker: ThreadPoolExecutor) -> None:
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


def _default_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
