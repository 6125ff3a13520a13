"""LLM-as-judge: language models behind an OpenAI-compatible API that score answers.

`open` makes one of the reward models of `bestofn.settings.judge`: `pointwise` and `probability`
judge each answer alone; `listwise`, `pick`, `pairwise` and `swiss` compare them (`comparison`,
`pair_schedule`, `strengths`). Each fills in a template (`question`, with the wording in `prompts`),
asks it (`client`; `itself`, where the generator judges), and reads a verdict in the reply
(`replies`, `parsing`). What is random follows from the request (`seeding`).
"""
