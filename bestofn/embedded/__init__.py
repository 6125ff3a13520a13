"""Owns where the models that ship with the package lie."""

from pathlib import Path


def generator_path() -> Path:
    """The directory of the embedded generator, a Llama causal language model."""
    return Path(__file__).with_name("generator")


def reward_path() -> Path:
    """The directory of the embedded reward model, a Llama sequence classifier with one label."""
    return Path(__file__).with_name("reward")
