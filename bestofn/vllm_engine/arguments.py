"""vLLM's command line flags: our defaults, those that are refused, what they say of memory.

Example:
    parse_arguments("org/model", ["--max-model-len=4096"]).max_model_len      4096
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Never

from bestofn.core.errors import ConfigError

DEFAULTS = ("--enable-prompt-tokens-details",)
"""Flags that go before the user's: how much of a prompt was cached is told, as OpenAI tells it."""

CPU_DEFAULTS = ("--no-enable-chunked-prefill",)
"""Flags that besides them go before the user's on a CPU.

There a seeded request whose prompt is prefilled in chunks kills the engine of 0.32 ("CPU Generator
does not use offset": its worker rewinds a CUDA generator), so prompts are prefilled whole.
"""


WITHOUT_EFFECT = (
    "host",
    "port",
    "uds",
    "api_key",
    "root_path",
    "middleware",
    "allowed_origins",
    "ssl_keyfile",
    "ssl_certfile",
    "ssl_ca_certs",
    "uvicorn_log_level",
    "api_server_count",
)
"""Flags of vLLM's own HTTP server, which is not started here: refused rather than ignored."""


NOT_TAKEN = "vLLM does not take these engine arguments"


def parse_arguments(model: str, arguments: Sequence[str]) -> Any:
    """vLLM's own reading of its flags, `DEFAULTS` before them, and `CPU_DEFAULTS` on a CPU.

    Args:
        model: a folder or a hub name.
        arguments: any flags of `vllm serve`, as on its command line.

    Returns:
        The namespace that vLLM's argparse makes.

    Raises:
        ConfigError: vLLM does not take them, or one is `WITHOUT_EFFECT` here.
    """
    from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
    from vllm.platforms import current_platform
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser: Any = make_arg_parser(FlexibleArgumentParser())
    parser.error = _refuse  # argparse would print the usage and exit
    defaults = (*DEFAULTS, *(CPU_DEFAULTS if current_platform.is_cpu() else ()))
    namespace: Any = parser.parse_args(["--model", model, *defaults, *arguments])
    for name in WITHOUT_EFFECT:
        if getattr(namespace, name, None) != parser.get_default(name):
            _refuse(f"--{name.replace('_', '-')} belongs to vLLM's own server, which does not run")
    try:
        validate_parsed_serve_args(namespace)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{NOT_TAKEN}: {error}") from error
    return namespace


def parse_pooling_arguments(model: str, arguments: Sequence[str]) -> Any:
    """The same for an engine that scores: only the engine's own flags, none of a server's.

    Args:
        model: a folder or a hub name.
        arguments: any flags of `vllm serve` that are the engine's.

    Raises:
        ConfigError: vLLM does not take them.
    """
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser: Any = AsyncEngineArgs.add_cli_args(FlexibleArgumentParser())
    parser.error = _refuse  # argparse would print the usage and exit
    # Texts come as ids: of tokenizers, vLLM would read some otherwise.
    own = ["--model", model, "--runner=pooling", "--skip-tokenizer-init"]
    return parser.parse_args([*own, *arguments])


def _refuse(message: str) -> Never:
    raise ConfigError(f"{NOT_TAKEN}: {message}")


@dataclass(frozen=True, slots=True)
class MemoryOptions:
    """What vLLM's flags say of memory.

    Args:
        max_model_len: tokens of prompt and response; None: the model's own.
        dtype: of the weights.
        kv_cache_dtype: of the cache.
        gpus: that the engine spreads over.
        max_num_seqs: sequences that run at once; None: vLLM's own number.
    """

    max_model_len: int | None
    dtype: str
    kv_cache_dtype: str
    gpus: int
    max_num_seqs: int | None = None


def memory_options(model: str, arguments: Sequence[str]) -> MemoryOptions:
    """What flags of `vllm serve` say of memory, as vLLM itself reads them.

    Raises:
        ConfigError: vLLM does not take them.
    """
    read = parse_arguments(model, arguments)
    length = read.max_model_len
    return MemoryOptions(
        length if length and length > 0 else None,
        str(read.dtype),
        str(read.kv_cache_dtype),
        read.tensor_parallel_size * read.pipeline_parallel_size,
        read.max_num_seqs,
    )
