"""OpenAI's API from the client's side, once for generators, judges and reward servers.

`client` sends requests and retries; `served` asks what a server serves. `request_body` makes a body
of a `Request`, `completions` reads the answer, and `to_candidate` makes candidates of its choices,
also of those of the vLLM engine in this process. Nothing here knows who asks, or why.
"""
