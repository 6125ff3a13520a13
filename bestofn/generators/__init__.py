"""Generators: where candidates come from. One backend a file."""
