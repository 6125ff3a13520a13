"""The core: the types, the seams, and the one path from a request to a ranking.

    types        Request, Candidate, Rejection, Failure, Score
    ranking      ScoredCandidate, Selection, Ranking: every candidate accounted for
    errors       what is raised; no_winner holds those that carry a ranking
    protocols    the seams Generator, Filter, RewardModel, Selector
    controller   the seam Controller: Progress in, Decision out; Chain, Budget
    observer     who is told what happens
    pipeline     what a request runs with
    best_of_n    the path itself; it stands on
        driver       asks the controller and does what it says
        asking       a controller's decision, or the error that it is
        caps         how many may start, and until when
        streams      samplings of the generator, merged and abortable
        filtering    a candidate through the filters; abstaining: what a filter could not judge
        scoring      candidates to the reward model as they come
        ledger       the records, the clocks, the ranking
        wake         the timer of a controller that asks to be woken

    ranking = await best_of_n(Request.from_prompt("What is 8 - 5?", best_of=16), pipeline)

It imports nothing else of bestofn: backends, controllers and settings stand above it. One thing
above it is named, and loaded when it is needed: the default policy of a pipeline.
"""
