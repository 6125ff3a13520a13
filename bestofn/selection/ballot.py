"""Ballots: candidates grouped by answer key, and the order that follows from their votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bestofn.core.protocols import AnswerKey, NamedKey, Suiting
from bestofn.core.ranking import ChosenBy, ScoredCandidate, Selection
from bestofn.core.types import Request
from bestofn.selection.scores import Scores


@dataclass(frozen=True, slots=True)
class Ballot:
    """Who votes for what.

    Args:
        keys: the answer key of each candidate that votes, by index.
        groups: the indices that vote for each key, ascending.
        scores: how good each candidate is by itself; those that do not vote may have one too.
        kind: of the keys; None: nobody votes.
    """

    keys: Mapping[int, str]
    groups: Mapping[str, Sequence[int]]
    scores: Scores
    kind: str | None

    @classmethod
    def of(
        cls,
        request: Request,
        candidates: Sequence[ScoredCandidate],
        answer_key: AnswerKey,
    ) -> Ballot:
        """The ballot of these candidates; it does not depend on their order."""
        in_order = sorted(candidates, key=lambda each: each.index)
        suited = suited_key(request, in_order, answer_key)
        keys: dict[int, str] = {}
        groups: dict[str, list[int]] = {}
        for each in in_order if suited is not None else ():
            if suited is not None and (key := suited.key(request, each.candidate)) is not None:
                keys[each.index] = key
                groups.setdefault(key, []).append(each.index)
        kind = suited.kind if isinstance(suited, NamedKey) else "custom"
        return cls(keys, groups, Scores.of(candidates), kind if keys else None)

    def selection(self, rule: str, mass: Mapping[int, float]) -> Selection:
        """Candidates of the key with the largest mass first, and so on; who does not vote is last.

        Within a key, and between keys of equal mass, a higher score comes first (see
        `Scores.place`). A candidate's value is the share of its key in all mass, and the confidence
        is the first key's. Those that do not vote count in all mass: one vote of eight candidates
        is no unanimity.

        Args:
            rule: the selector's name.
            mass: of each candidate, by index; at least 0.
        """
        whole = sum(mass.values())
        masses = {key: sum(mass[i] for i in group) for key, group in self.groups.items()}
        leaders = {key: min(map(self.scores.place, group)) for key, group in self.groups.items()}

        def place(index: int) -> tuple[object, ...]:
            key = self.keys.get(index)
            if key is None:
                return (1, self.scores.place(index))
            return (0, -masses[key], leaders[key], self.scores.place(index))

        order = tuple(sorted(self.scores.indices, key=place))
        values = {i: masses[key] / whole for i, key in self.keys.items()} if whole else {}
        return self.chosen(rule, order, values, values.get(order[0]))

    def chosen(
        self,
        rule: str,
        order: tuple[int, ...],
        values: Mapping[int, float],
        confidence: float | None,
    ) -> Selection:
        """The selection, with the keys and where the scores are from."""
        by = ChosenBy(rule, self.kind, self.scores.kind)
        return Selection(order, values, confidence, keys=self.keys, chosen_by=by)


def suited_key(
    request: Request, candidates: Sequence[ScoredCandidate], answer_key: AnswerKey
) -> AnswerKey | None:
    """The key itself, or what it becomes for these candidates; None: they have nothing to vote
    on."""
    if isinstance(answer_key, Suiting):
        return answer_key.suited(request, [each.candidate for each in candidates])
    return answer_key


def alone(candidates: Sequence[ScoredCandidate], rule: str) -> Selection | None:
    """The selection of one candidate, or of none; None where there are more."""
    if len(candidates) > 1:
        return None
    by = ChosenBy(rule)
    return Selection(tuple(each.index for each in candidates), chosen_by=by)
