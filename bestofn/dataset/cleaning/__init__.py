"""Cleaning of data that exists: the filters alone over its answers.

    record ─► `answers` (what was asked, and the answers in it) ─► best_of_n over replay, no reward
           ─► `writing` (kept or rejected, as the record came) and `tally` (reasons, examples)

The records are read as those of a run (`bestofn.dataset.prompts`).
"""
