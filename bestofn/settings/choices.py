"""Literal types: the values that a setting or a flag may take."""

from __future__ import annotations

from typing import Literal

Engine = Literal["auto", "vllm", "transformers", "openai", "none"]
"""What samples; auto takes a server where one is named, else vLLM where it is installed; none: a
server that only scores."""

AskEngine = Literal["auto", "vllm", "transformers", "openai"]
"""The same where there is nothing to do but sample."""

RunEngine = Literal["auto", "vllm", "transformers", "openai", "ray"]
"""The same for a run over many prompts; ray: pipelines on a cluster, each with what auto takes."""

Access = Literal["open", "key", "off"]
"""Who may read a page of the server: everybody, who has a key, nobody."""

LogFormat = Literal["text", "json"]
"""How the server's log looks."""

TooLong = Literal["error", "truncate_left", "truncate_right"]
"""What becomes of a text that is longer than the reward model reads: a failure of its candidate, or
its beginning or its end is left out, which `Score.cut` then says."""

Images = Literal["placeholder", "refuse"]
"""What becomes of pictures in a conversation that a reward model reads as text: a placeholder in
their place, which the result's notes then say, or the conversation is refused."""

Quantization = Literal["8bit", "4bit"]
"""Of a reward model's matrices, by bitsandbytes: LLM.int8 or NF4."""

CacheType = Literal["auto", "fp8"]
"""Of the numbers in the generator's cache; auto: as it computes."""

Keep = Literal["best", "top-k", "above", "margin", "zscore"]
"""Which accepted candidates of a prompt a dataset keeps; see `bestofn.dataset.export.keep_rule`."""

FormatName = Literal["sft", "dpo", "kto", "ranked", "candidates", "first", "random"]
"""A format of a dataset; see `bestofn.dataset.export.formats`."""

Aggregate = Literal["last", "min", "mean", "prod"]
"""What makes one reward of those of an answer's steps."""

Combine = Literal["mean", "worst", "mean_minus_std"]
"""What makes one reward of those of several reward models."""

Normalise = Literal["zscore", "rank", "none"]
"""What is done to each reward model's rewards within a prompt, before they are combined."""
