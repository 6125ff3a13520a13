"""A sandbox for Python programs: `client` starts a process and reads how it ended.

That process runs `supervisor`, a script that knows nothing of bestofn: it sets the limits, becomes
the program's parent, counts, kills and reports.
"""
