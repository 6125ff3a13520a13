"""OpenAI's API from the client's side, once for generators, judges and reward servers.

    connection      opens a server: its URL, the key; bodies are bounded (bounded_body)
    client          sends requests: retries, breakers, the next server (breaker, faults)
    chunks          reads what is streamed; completions and message read what comes whole
    whole_answer    hands on what comes whole
    request_body    makes a body of a `Request`; to_candidate makes candidates of choices
    served          asks what a server serves

Choices of the vLLM engine in this process become candidates here too. Nothing here knows who asks,
or why.
"""
