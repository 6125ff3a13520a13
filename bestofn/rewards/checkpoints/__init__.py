"""Checkpoints of reward models: which loader reads one, its weights and head, refusals.

    checkpoint = Checkpoint.find("org/some-reward", settings, placement)     # interface
    loaded = load(checkpoint)                                                # loading
    loaded.reader, loaded.spec, loaded.to_reward      # forwards, texts, what its values mean

`loading` chooses by the table of `bestofn.rewards.text.formats` and refuses what is no reward
model. A family that transformers does not read by itself is one file here (`ziya`, `qwen_math`,
...), made of the parts in `assembly`, `heads` and `weights`. `text_only` makes the texts of a
checkpoint whose weights are elsewhere.
"""
