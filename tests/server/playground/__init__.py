"""Tests of the playground: its paths, and the page in a real browser."""
