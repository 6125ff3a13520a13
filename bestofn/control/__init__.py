"""Controllers: when candidates are started, aborted and scored, and when it is enough. One a file.

    policy      the controller of a pipeline: sampling, resampling and the deadline together
    fixed       best_of candidates at once
    waves       a few at a time
    replace     another one for each that is rejected
    resample    once more best_of, where nothing is acceptable
    enough      stop at a reward over a threshold
    deadline    stop at a time

They are combined with `Chain`, and a `Policy` takes what samples as its `sampling`. Four at a time,
until one has a reward of 2 or best_of were sampled:

    Policy(sampling=Chain((Waves(4), Enough(reward=2.0))))

Settings, flags and requests do not name controllers yet: they are given from Python. A controller
of one's own is one class: see `bestofn.core.controller`, whose seam they stand on.
"""
