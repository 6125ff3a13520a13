"""What a stopping rule had learnt before a run was interrupted, learnt again from its records.

Rules that compare a score with those of recent rows sample more or less by them, so a run that goes
on would otherwise begin as if it had seen nothing, and end with other records.
"""

from __future__ import annotations

from collections.abc import Iterable

from bestofn.control.policy import Policy
from bestofn.core.pipeline import Pipeline
from bestofn.dataset.store.records import Record


def relearn(pipeline: Pipeline, records: Iterable[Record]) -> None:
    """Tell the pipeline's rule, where it is one that learns, the scores of the accepted.

    Args:
        pipeline: what ranks.
        records: of the rows that are done, in the order of the input; read only where it learns.
    """
    policy = pipeline.policy
    if not isinstance(policy, Policy) or policy.recent is None or not policy.compares_with_recent:
        return
    score = "reward" if policy.recent.rewards else "mean_logprob"
    for record in records:
        accepted = (each for each in record["candidates"] if each["accepted"])
        policy.recent.add(each[score] for each in accepted if each[score] is not None)
