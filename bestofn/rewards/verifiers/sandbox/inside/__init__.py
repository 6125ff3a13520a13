"""The inside of the sandbox, run by ``python -I -S`` where nothing of bestofn can be imported.

    main            the supervisor: starts program and tests, counts, kills, reports
    walls           namespaces and mounts, where bubblewrap has not made them
    privileges      another user, no capabilities, nobody may look in
    system_calls    the filter on system calls
    limits          what a process may take
    watching        how it ended, by its clock, its output and what all of its processes take
    program         the process of the program: it runs it, and calls it for the tests
    tests           the process of the tests: it compares
    scope           which names of the program a test sees
    link, remote, values      how the two talk: values as JSON, all else by a number

Imports in here are relative: what is `bestofn.rewards.verifiers.sandbox.inside` on this side of the
wall is `inside` on the other, and nothing around it is there.
"""
