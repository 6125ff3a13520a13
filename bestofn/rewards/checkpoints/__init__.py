"""Families of reward models that transformers does not read by itself: one file each."""
