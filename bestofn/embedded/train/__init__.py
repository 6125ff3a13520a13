"""Owns how the embedded models are made: run ``python -m bestofn.embedded.train``."""
