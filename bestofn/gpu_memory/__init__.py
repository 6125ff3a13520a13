"""GPU memory: how a generator in vLLM and reward models in this process share one card.

    checkpoint_size, model_shape    what a model weighs, what its tokens leave in a KV cache
    gpu                             the card that is here
    planner                         the arithmetic: `Plan`
    from_models                     names of models ─► `Plan`
    advice                          where it does not fit: why, and what would

`bestofn plan` prints a plan; `bestofn.builders.memory` makes vLLM's flags of one.
"""
