"""The exceptions of bestofn. Each is picklable; its text is one sentence for whoever reads it.

BestOfNError
├── ConfigError               settings, arguments or input files are wrong
│   └── ModelError            a model cannot be found, read or used for what it was named for
├── DatasetError              a run cannot go on: the disk, or too many failures in a row
│   └── UnreadableError       no row of an input could be read
├── RequestError              a request is out of range or does not fit the model's context
│   └── NoTokenizerError      what samples has no tokenizer to ask (core/tokenizing.py)
└── NoWinnerError             nothing could be ranked; carries the ranking (core/no_winner.py)
    ├── GeneratorError        the engine failed and no candidate came back
    │   └── GeneratorBusyError    it has too much to do; says when to try again
    ├── RewardError           the reward model failed and nothing could be ranked
    ├── NothingAcceptableError    every candidate was rejected or failed; the policy is `error`
    ├── DeadlineError         the deadline came before anything acceptable
    └── ControllerError       a controller raised, or would have started candidates for ever
"""

from __future__ import annotations


class BestOfNError(Exception):
    """The root: catch it to catch everything that bestofn raises on purpose."""


class ConfigError(BestOfNError):
    """Settings, arguments or an input file are wrong."""


class ModelError(ConfigError):
    """A model cannot be found, read, or used for what it was named for."""


class DatasetError(BestOfNError):
    """A run cannot go on; what was finished is kept."""


class UnreadableError(DatasetError):
    """No row of an input could be read."""


class RequestError(BestOfNError):
    """A request is out of range, contradicts itself, or does not fit the model's context.

    Args:
        message: one sentence.
        param: the field of the request that is wrong, by its name; None: no single one is.
    """

    def __init__(self, message: str = "", *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param
