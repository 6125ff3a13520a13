"""Rejection sampling: from prompts to a dataset that one can train on."""
