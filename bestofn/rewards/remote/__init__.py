"""Reward models on a server: vLLM's, SGLang's, TEI's, a reranker's, or bestofn's own."""
