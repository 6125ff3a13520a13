"""Generators: what samples candidates, one file a backend; see `bestofn.core.protocols.Generator`.

`vllm` samples from the engine of `bestofn.vllm_engine`, `openai` from any OpenAI-compatible server,
`transformers` without either, and `replay` hands out what exists. The first two make candidates by
`bestofn.openai_api`; `task_sampling` and `openai_sampling` are the `Sampling` that they return.
"""
