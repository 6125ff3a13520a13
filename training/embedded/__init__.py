"""The training run of the embedded models, on tasks of `training.world`.

A tokenizer, a language model on right answers, the generator (that one, trained on, on mixed
answers), and the reward model on pairs of a better and a worse one:

    python -m training.embedded [--output FOLDER] [--seed SEED]
"""
