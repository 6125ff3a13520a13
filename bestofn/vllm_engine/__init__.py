"""Every import of vLLM."""
