"""Controllers: when candidates are started, aborted and scored, and when it is enough. One a file.

    policy          the controller of a pipeline: sampling, stopping, resampling and the deadline
    fixed           best_of candidates at once
    waves           a few at a time
    replace         another one for each that is rejected
    resample        once more best_of, where nothing is acceptable
    deadline        stop at a time
    loops           stop a running candidate that repeats itself without end
    pruning         stop the running candidates whose reward so far is behind

and the stopping rules, which say when it is enough:

    accepted        k of n: so many candidates were accepted
    agreement       the answers agree (Beta posterior of the two leading ones)
    evidence        the leading answer is both good and agreed on
    enough          a reward over a threshold
    plateau         the best score has not risen for some candidates
    expected_gain   one more candidate is not expected to be much better

A `Policy` takes what samples as its `sampling`, and a rule as its `stop`. Four at a time, until one
has a reward of 2 or best_of were sampled:

    Policy(sampling=Waves(4), stop=Enough(reward=2.0))

The settings' section `stop` names them (`bestofn.builders.stopping`); several are combined with
`Chain`. A controller of one's own is one class: see `bestofn.core.controller`, whose seam they
stand on.
"""
