"""Selectors: which of the candidates is returned, and in which order the others follow. One a file.

argmax      the highest reward
"""
