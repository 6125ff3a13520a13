"""Owns where the models that ship with the package lie, and what they are called."""

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
