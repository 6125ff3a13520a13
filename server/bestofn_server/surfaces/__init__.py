"""Surfaces: other APIs as translations of chat completions, in both directions.

    a surface's request ─► ChatRequest ─► admission, best_of_n or pass-through ─► chat completion
                                                                     its answer, or its events ◄─┘

`surface.py` is the seam, `chat.py` the one that translates nothing; `responses/` is OpenAI's
Responses API, `messages/` Anthropic's. What they share is the conversation on the way in
(`conversation.py`) and the parts of an answer on the way out (`parts.py`). The shapes on the wire
are the types of the packages `openai` and `anthropic`.
"""
