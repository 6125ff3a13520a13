"""OpenAI's API as a client sees it: HTTP client, request bodies, completions."""
