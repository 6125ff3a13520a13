"""Reward models on a server: vLLM's, SGLang's, TEI's, a reranker's, or bestofn's own.

`open` is the way in. It lets `detect_api` find out how the server is asked, and makes one of three
reward models: `bestofn_server` sends conversations, `rerank_server` a query with its documents,
`text_server` the texts that `bestofn.rewards.text` makes. `wire_formats` is the table of requests
and replies, `replies` turns what comes into scores, and `activation` refuses servers whose rewards
are not raw.
"""
