"""Selectors: how scored candidates of one request are ordered. One file each."""
