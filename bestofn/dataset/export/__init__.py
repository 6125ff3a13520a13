"""Datasets made of a run's records: what is kept, in the formats of trainers, with a card.

`export` (export.py) writes the rows that formats.py makes of each record, which candidates are good
being said by a `KeepRule` (keep_rule.py, options.py); card.py writes the README with the counts of
summary.py and the formats that are there (exported.py), and push.py uploads both.

    export(folder, read_rollouts(folder), ["sft", "dpo"], ExportOptions(KeepRule("top-k", 2)))

Chosen from are the accepted candidates of a row or, where all are suspected, these.
"""
