"""The folder of a dataset run, which a kill at any moment leaves whole.

    run.json                     manifest.py: configuration, shards with their digests, sessions
    journal.jsonl                journal.py: finished rows that are in no shard yet, with sums
    rollouts/part-000000.parquet shards.py: finished rows, in the order of the input

A finished row is a `Record` (records.py), and `Store` (store.py) puts each into exactly one of the
two. `Store.open` refuses a run with another identity (identity.py, configuration.py), once anything
was sampled (folder.py). `read_rollouts` and `run_state` (rollouts.py) read a run from both, whether
it is finished or not; `faults` (verify.py) says what is not as it was written. Folders that bestofn
0.1 wrote are read and gone on with: their rejections do not say whether they are certain, and all
were.
"""
