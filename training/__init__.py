"""How the embedded models were made; not part of the package.

`world` is what they know: tasks with answers and a checker. `embedded` trains a tokenizer, a
generator and a reward model on it, and writes both over those that ship in `bestofn/embedded`:

    python -m training.embedded [--output FOLDER] [--seed SEED]
"""
