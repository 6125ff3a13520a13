"""The embedded pair: a generator and a reward model of a few MB that ship with the package.

`bestofn ask "What is 8 - 5?"` runs on them alone, without a download or a GPU. How they were made
stands in their README.
"""

from pathlib import Path

NAME = "bestofn-embedded"
"""What the embedded generator is called in an API."""

REWARD_NAME = "bestofn-embedded-reward"
"""What the embedded reward model is called in an API."""


def generator_path() -> Path:
    """The directory of the embedded generator, a Llama causal language model."""
    return Path(__file__).with_name("generator")


def reward_path() -> Path:
    """The directory of the embedded reward model, a Llama sequence classifier with one label."""
    return Path(__file__).with_name("reward")
