"""Reward models: what scores candidates. Importing this package loads none of them.

One kind a file or folder: `transformers` (in this process, over `text`, `checkpoints` and `local`),
`vllm` (in an engine of its own), `pairwise`, `remote` (on a server), `judge` (a language model
asked for its opinion), `verifiers` (a function that checks), and `ensemble` of several.
"""
