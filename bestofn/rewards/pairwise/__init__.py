"""Pairwise rankers: models that compare two answers."""
