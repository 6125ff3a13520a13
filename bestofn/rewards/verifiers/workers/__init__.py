"""Where a check runs: `runners` in this process, `pool` in processes that can be killed.

A `pool` holds workers (`worker`), each of which is a process that runs `worker_main`.
"""
