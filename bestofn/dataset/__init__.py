"""Rejection sampling: from prompts to a dataset that one can train on.

    prompts/  rows of files and of hub datasets        ─► Row
    run/      each row sampled, scored, ranked         ─► Record
    store/    a run's folder: journal, shards, run.json
    export/   what is kept, as SFT, DPO, KTO, ...; the card; the hub
    report/   a run on one HTML page

Everything after `run/` reads records alone, and needs neither engine nor reward model.
"""
