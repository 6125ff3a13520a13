"""Selectors: which of the candidates is returned, and in which order the others follow. One a file.

    auto               whichever of these suits the candidates; the default
    argmax             the highest reward, or the highest after a correction for length
    vote               the answer that most candidates give
    weighted_vote      the same, each vote weighted by the candidate's score
    best_of_majority   the highest score among the answers that are given often enough
    majority_of_bests  the answer that wins most often if best-of-m is drawn again and again
    consensus          the text that is most like all others
    confidence         the text of which the model itself was the surest
    soft               drawn, with chances that grow with the score

What they have in common: scores (rewards, else mean logprobs; `scores`), and ballots (candidates
grouped by their answer keys; `ballot`). None depends on who finished first. One candidate is
returned as it is, at no cost and without a confidence: there is nothing to agree with.
"""
