"""Tuning: recorded candidates replayed under other selectors and stopping rules, and compared.

Nothing new is sampled. The replay goes through `best_of_n` itself, with a generator and a reward
model that give back what was recorded, so that a rule decides offline as it does live:

    recorded candidates -> replay (generator, rewards) -> best_of_n -> Ranking, tokens, decode steps
"""
