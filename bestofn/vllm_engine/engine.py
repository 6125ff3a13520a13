"""vLLM's engine in this process: started, asked for completions, aborted, shut down.

Written against vLLM 0.32. The engine is driven through vLLM's own OpenAI layer (`build_app`,
`init_app_state`, `openai_serving_chat`, `openai_serving_completion`), so chat templates, tool and
reasoning parsers, structured output, logprobs and LoRA work as they do in `vllm serve`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import Any

from bestofn.core.errors import ConfigError, ModelError, RequestError
from bestofn.core.no_winner import GeneratorError
from bestofn.core.types import Endpoint
from bestofn.support.error_text import faults
from bestofn.vllm_engine.arguments import parse_arguments
from bestofn.vllm_engine.constraints import ConstraintError, unfollowed
from bestofn.vllm_engine.environment import environment_of
from bestofn.vllm_engine.logprobs_tap import LogprobsTap
from bestofn.vllm_engine.refusals import fault_in, refusal_of
from bestofn.vllm_engine.so_far import SoFar
from bestofn.vllm_engine.tokenization import EngineTokenizer


@dataclass(frozen=True, slots=True)
class _Route:
    """One of vLLM's OpenAI endpoints: what reads a body, what answers it, how it names requests."""

    request_type: Any
    answer: Callable[[Any, None], Awaitable[Any]]
    engine_id: str


class VllmEngine:
    """An AsyncLLM behind vLLM's OpenAI layer. Make it with `open_engine`.

    Args:
        llm: the AsyncLLM itself.
        state: what vLLM's `init_app_state` filled.

    Attributes:
        llm: as given.
        tokenizer: vLLM's own.
    """

    def __init__(self, llm: Any, state: Any) -> None:
        from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
        from vllm.entrypoints.openai.completion.protocol import CompletionRequest

        chat, text = state.openai_serving_chat, state.openai_serving_completion
        self.llm = llm
        self._tap = chat.engine_client = text.engine_client = LogprobsTap(llm)
        self.tokenizer = EngineTokenizer(getattr(state, "serving_tokenization", None))
        self._models = state.openai_serving_models
        self._routes: Mapping[Endpoint, _Route] = {
            "chat/completions": _Route(
                ChatCompletionRequest, chat.create_chat_completion, "chatcmpl-{}"
            ),
            "completions": _Route(CompletionRequest, text.create_completion, "cmpl-{}-0"),
        }
        self._so_far = SoFar(llm, chat)
        self._running: set[str] = set()
        self._aborts: set[asyncio.Task[None]] = set()

    async def complete(
        self,
        endpoint: Endpoint,
        body: Mapping[str, Any],
        logprobs: list[float] | None = None,
    ) -> Any:
        """vLLM's response object to one request.

        Args:
            endpoint: whose fields `body` has.
            body: OpenAI's fields and vLLM's own; `stream` must not be set. `abort` knows the
                request by its `request_id`.
            logprobs: takes those of the sampled tokens, in order; the response has none of them.

        Raises:
            RequestError: an unknown or contradictory field, or a prompt over the context.
            ConstraintError: the engine cannot follow the grammar, schema or pattern.
            GeneratorError: the engine is gone or failed on this request.
        """
        request_id = str(body.get("request_id", ""))
        self._running.add(request_id)
        try:
            if logprobs is None:
                return await self._answer(endpoint, body)
            with self._tap.noting(self._routes[endpoint].engine_id.format(request_id)) as noted:
                response = await self._answer(endpoint, body)
            logprobs += noted
            return response
        finally:
            self._running.discard(request_id)

    async def stream(
        self, endpoint: Endpoint, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        """The chunks that answer one request with `stream` set; closing it aborts the request.

        Raises (before the first chunk as `complete`, later from the iterator):
            ConstraintError: the engine cannot follow the grammar, schema or pattern any further.
            GeneratorError: the engine failed in the middle.
        """
        events = await self._answer(endpoint, body)
        return self._chunks(events, body)

    def fields(self, endpoint: Endpoint) -> Collection[str]:
        """The names of the fields that a body for this endpoint may have."""
        names: Collection[str] = self._routes[endpoint].request_type.model_fields.keys()
        return names

    async def models(self) -> list[dict[str, Any]]:
        """OpenAI's model objects of what is served, LoRA adapters included."""
        listed = await self._models.show_available_models()
        return [each.model_dump(exclude={"permission"}) for each in listed.data]

    def tokens_so_far(self, endpoint: Endpoint, request_id: str) -> int:
        """How many tokens a running request has; 0: none yet, or it does not run."""
        return self._so_far.tokens(self._routes[endpoint].engine_id.format(request_id))

    def message_so_far(
        self, endpoint: Endpoint, request_id: str, body: Mapping[str, Any] | None
    ) -> tuple[dict[str, Any], int] | None:
        """(the assistant message of a running request as far as it goes, its tokens); None: there
        is none. `body` is what `complete` was given, where the engine `parses` its text."""
        route = self._routes[endpoint]
        request = None if body is None else route.request_type(**body)
        return self._so_far.message(route.engine_id.format(request_id), request)

    def parses(self, endpoint: Endpoint) -> bool:
        """Whether vLLM takes thoughts or tool calls out of the text of an answer."""
        return endpoint == "chat/completions" and self._so_far.parses

    def abort(self, endpoint: Endpoint, request_id: str) -> None:
        """Stop a running request; its `complete` then returns with finish_reason "abort"."""
        engine_id = self._routes[endpoint].engine_id.format(request_id)
        task = asyncio.get_running_loop().create_task(self._abort(request_id, engine_id))
        self._aborts.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._aborts.discard)

    async def _abort(self, request_id: str, engine_id: str) -> None:
        # vLLM forgets an abort of what is still being templated and tokenised, so it is told again.
        while request_id in self._running:
            await self.llm.abort(engine_id)
            await asyncio.sleep(0.01)

    async def _answer(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Any:
        from vllm.exceptions import GenerationError, VLLMClientError, VLLMServerError

        route = self._routes[endpoint]
        if unknown := body.keys() - self.fields(endpoint):
            names = sorted(unknown)
            raise RequestError(f"vLLM knows no request field {', '.join(names)}", param=names[0])
        try:
            response = await route.answer(route.request_type(**body), None)
        except (VLLMClientError, ValueError, TypeError, NotImplementedError) as error:
            raise refusal_of(error) from error  # pydantic's are a ValueError
        except VLLMServerError as error:
            if type(error) is GenerationError and (why := self._unfollowed(body)):
                raise why from error
            raise GeneratorError(f"{type(error).__name__}: {error}") from error
        if (fault := fault_in(response)) is not None:
            raise fault
        return response

    def _unfollowed(self, body: Mapping[str, Any]) -> ConstraintError | None:
        return unfollowed(body, self.llm.vllm_config)

    async def _chunks(
        self, events: AsyncGenerator[str], body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        """What vLLM's server-sent events carry; its events are one line of data each."""
        async with contextlib.aclosing(events):
            async for event in events:
                data = event.removeprefix("data: ").strip()
                if data == "[DONE]":
                    return
                chunk: dict[str, Any] = json.loads(data)
                if (fault := chunk.get("error")) is not None:
                    why = self._unfollowed(body) if fault.get("code") == 500 else None
                    raise why or GeneratorError(str(fault.get("message", fault)))
                yield chunk

    @property
    def context(self) -> int:
        """Tokens of the longest text that the model reads and writes."""
        return int(self.llm.model_config.max_model_len)

    @property
    def dead(self) -> bool:
        """Whether the engine process has gone."""
        return bool(self.llm.errored)


@contextlib.asynccontextmanager
async def open_engine(
    model: str, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> AsyncIterator[VllmEngine]:
    """Start a vLLM engine for `model` and shut it down at the end.

    Args:
        model: a folder or a hub name.
        arguments: any flags of `vllm serve`, as on its command line.
        environment: variables set while the engine process starts, where they are not set already.

    Raises:
        ConfigError: vLLM is not installed, or an argument is wrong.
        ModelError: the model cannot be loaded.
    """
    try:
        from vllm.entrypoints.launchers.api_server.app_state import init_app_state
        from vllm.entrypoints.launchers.app import build_app
    except ImportError as error:
        raise ConfigError(
            f"vLLM 0.32 cannot be imported ({error}): install the extra `cuda` or `cpu`, or use "
            "the transformers engine"
        ) from error

    namespace = parse_arguments(model, arguments)
    with running_llm(namespace, environment) as llm:
        tasks = await llm.get_supported_tasks()
        if "generate" not in tasks:
            raise ModelError(f"{model} is not a causal language model: vLLM offers only {tasks}")
        app = build_app(namespace, tasks, llm.model_config)
        await init_app_state(llm, app.state, namespace, tasks)
        yield VllmEngine(llm, app.state)


@contextlib.contextmanager
def running_llm(namespace: Any, environment: Mapping[str, str] | None) -> Iterator[Any]:
    """vLLM's AsyncLLM, started, and shut down at the end.

    Args:
        namespace: what vLLM's argparse made of its flags.
        environment: variables set while the engine process starts, where they are not set already.

    Raises:
        ModelError: the model cannot be loaded.
    """
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    with environment_of(environment or {}):
        try:
            llm = AsyncLLM.from_engine_args(AsyncEngineArgs.from_cli_args(namespace))
        except (ValueError, OSError, RuntimeError, NotImplementedError) as error:
            sentence = first_sentence(error)
            raise ModelError(f"vLLM cannot load {namespace.model}: {sentence}") from error
    try:
        yield llm
    finally:
        llm.shutdown(timeout=0)


def cpu_memory() -> tuple[int, int] | None:
    """Bytes free and in all of the memory that vLLM's CPU engine takes its share of.

    It is vLLM's own reading, of one NUMA node and within a container's limit, since vLLM refuses to
    start where its share is not free. None: this vLLM runs on something else.
    """
    from vllm.platforms import current_platform
    from vllm.utils.cpu_resource_utils import get_allowed_cpu_list, get_memory_node_info

    if not current_platform.is_cpu():
        return None
    node = get_memory_node_info(get_allowed_cpu_list()[0].numa_node)
    return node.available_memory, node.total_memory


def first_sentence(error: Exception) -> str:
    """The first line that says something, without vLLM's advice to read the trace."""
    import pydantic

    if isinstance(error, pydantic.ValidationError):
        return str(faults(error)[0])
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def is_available() -> bool:
    """Whether vLLM is installed here; imports nothing."""
    import importlib.util

    return "vllm" in sys.modules or importlib.util.find_spec("vllm") is not None
