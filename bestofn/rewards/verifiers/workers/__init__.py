"""Verdicts computed in processes of their own."""
