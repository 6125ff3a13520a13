"""Prompts of a dataset run: files and hub datasets read as rows."""
