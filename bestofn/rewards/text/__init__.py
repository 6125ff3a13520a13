"""Text: from messages to the tokens that a reward model reads."""
