"""Dataset formats made from a run."""
