"""Models with code of their own (trust_remote_code), which makes the number of a text itself.

ArmoRM and QRM return it as `score` beside parts of it (their model cards), URM as `logits`. Which
it is, and whether it is one number, the code shows on a short conversation at once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.assembly import (
    TextOverrides,
    config_with_one_label,
    loaded_model,
    read_tokenizer,
)
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel
from bestofn.rewards.checkpoints.weights import read_weights
from bestofn.rewards.local.readers import WholeModelReader
from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.hub_encoder import hub_encoder
from bestofn.support.error_text import first_line

_PROBE = (
    {"role": "user", "content": "What is one and one?"},
    {"role": "assistant", "content": "Two."},
)


def load(checkpoint: Checkpoint, auto: Any) -> LoadedModel:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`.

    Texts of one length share a batch: whether the code heeds a mask is not known.

    Args:
        checkpoint: what is read.
        auto: the class of transformers that finds its code.
    """
    config = config_with_one_label(checkpoint)
    tokenizer = read_tokenizer(checkpoint)
    encoder = hub_encoder(tokenizer, closes_all=True)
    dtype = checkpoint.placement.dtype_for(config)
    model = read_weights(
        auto,
        checkpoint.folder,
        config,
        checkpoint.placement,
        dtype,
        trust_remote_code=checkpoint.trust,
    )
    output = _output(checkpoint, model, encoder, tokenizer)
    reader = WholeModelReader(model, pads=False, output=output)
    return loaded_model(checkpoint, config, tokenizer, reader, TextOverrides(encoder=encoder))


def _output(checkpoint: Checkpoint, model: nn.Module, encoder: Encoder, tokenizer: Any) -> str:
    """The field of the code's output that holds the reward.

    Raises:
        ModelError: it fails, or gives no number, or several.
    """
    text = _PROBE[0]["content"] + " " + _PROBE[1]["content"]
    if tokenizer.chat_template is not None:
        text = tokenizer.apply_chat_template([*_PROBE], tokenize=False)
    ids = torch.tensor(encoder([text, text], [True, True]), device=checkpoint.placement.device)
    try:
        with torch.inference_mode():
            found: Any = model(input_ids=ids, attention_mask=torch.ones_like(ids))
    except Exception as error:  # it is somebody's code: it may raise anything
        raise ModelError(
            f"the code in {checkpoint.folder} cannot score a short conversation: "
            f"{first_line(error)}"
        ) from error
    score = getattr(found, "score", None)
    name = "score" if isinstance(score, Tensor) else "logits"
    values = found if isinstance(found, Tensor) else getattr(found, name, None)
    shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
    if shape not in ((2,), (2, 1)):
        raise ModelError(
            f"the code in {checkpoint.folder} gives {shape} for two texts, in its {name}: a reward "
            "model gives one number for each"
        )
    return name
