"""Forward passes of reward models in this process: planned, batched, packed, and bounded in memory.

    reader = causal_reader(trunk, Head(nn.Linear(hidden, 1)), cache_tokens=8192)
    budget = TokenBudget.on(device, 8192)
    batcher = Batcher(reader, reader.plan, budget, release=reader.release)
    future = batcher.submit([[1, 5, 6], [1, 5, 7, 8]])      # from any thread, any number of callers
    future.result()                                         # [Reading(values, tokens), ...]

Of a forward, from the callers to the kernels:

- `batcher`: callers put texts in; one worker thread takes the next forward for who has waited
  longest, with whoever fits in besides. `token_budget` says how many tokens it takes: half as many
  after running out of memory, more again later.
- `readers`: what runs a `batch`. `choose_reader` takes the packed one for a causal trunk that is
  right with it on a few texts; else each text is padded (`padding`) and computed whole.
  `alone_reader` lets no two texts meet, for rewards that are the same to the last bit.
- `packed_reader`: no padding, and what texts share is computed once. `packed_plan` groups texts by
  `shared_prefixes` and fills batches; `packed_layout` puts a batch into one sequence, with what
  `prefix_cache` has from earlier forwards; `packed_attention` lets each text see its prefix and
  itself, over `kernels`.
- `compiling` and `malloc` make the same forwards faster, on any device and on a CPU.

Nothing here knows of conversations, candidates or checkpoints.
"""
