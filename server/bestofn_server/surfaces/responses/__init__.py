"""OpenAI's Responses API: items of input to messages, a winner to items of output and events.

Nothing is stored. `store` may be said, the answer says `store: false`; what needs an earlier
response (`previous_response_id`, `conversation`) or a later one (`background`) is refused.
"""
