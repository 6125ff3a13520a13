"""Owns how the embedded models are made: run ``python -m training.embedded``."""
