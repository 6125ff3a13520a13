"""Owns LLM-as-judge: language models behind an OpenAI-compatible API, asked for verdicts."""
