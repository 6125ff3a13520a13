"""A dataset run: each row of an input sampled, scored, ranked and recorded, exactly once.

    rows ─► local.run ─────► RowRunner.run(row) ─► FinishedRow ─► Recorder ─► Store ─► Counts
       └──► ray.run_on_ray ─┘ (one in each actor)                   (a thread)   └► journal, shards

`RowRunner` (row_runner.py) takes one row through `best_of_n` to its record, whatever it comes to.
Rows are counted as they are read, and too many that cannot be read stop a run (reading.py). `run`
(local.py) keeps as many rows in flight as fill the engine's batch; `run_on_ray` (ray.py) does so in
the actors of a cluster (ray_cluster.py). Both hand what is finished to one `Recorder`
(recorder.py), which puts it on the disk, counts it (counts.py, shown by progress.py) and stops a
run on which every row fails. How much a run takes on is `RunOptions`, and of a cluster `Cluster`
(options.py).

    with contextlib.closing(Store.open(folder, config)) as store:
        counts = await run(rows, store, pipeline, RunOptions(in_flight=64))

Interrupted, the same call goes on: rows that the store has are skipped.
"""
