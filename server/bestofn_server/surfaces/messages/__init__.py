"""Anthropic's Messages API: blocks to messages, a winner to blocks and events, errors in its words.

Needs the package `anthropic` (the extra of that name), whose types are the shapes on the wire.
"""
