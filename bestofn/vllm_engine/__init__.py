"""Every import of vLLM: the one place to look at when vLLM's version is raised.

`engine` starts an engine that generates and answers as `vllm serve` does; `arguments` reads its
flags. `pooling` starts one that scores; `reward_models` holds the architectures that vLLM lacks,
and is imported by vLLM itself, in its own processes. A contract test, `tests/vllm_engine`, runs
over the real engine.
"""
