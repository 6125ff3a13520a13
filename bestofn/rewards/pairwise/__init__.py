"""Pairwise rankers (PairRM): models that read two answers at once and say which is better.

    ranker = PairwiseRanker.load("llm-blender/PairRM-hf", device="cpu")
    scores = await ranker.score(request, candidates)          # mean margins over the others

`ranker` reads every pair in both orders and averages; `texts` makes the ids of a pair, `reader`
runs them through trunk and head. Batching is `bestofn.rewards.local`'s.
"""
