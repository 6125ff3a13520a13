"""Text: from a conversation and a candidate to the tokens that a reward model reads.

    spec = ...                                           # TextSpec: how the checkpoint wants it
    texts = text_maker(spec, name, FORMATS["chat"], settings)
    texts.of_candidates(request, candidates)             # [EncodedText(ids, cut) | Failure, ...]

`text_maker` joins three steps: `renderer` (messages to one text, by the template of `formats` or
the user's), `encoder` (text to ids, framed by the tokenizer's special tokens) and `fit` (what
becomes of a text that is too long). `positions` says where the text is read; of process rewards
`steps` marks the steps before, and aggregates their rewards after. No weights are needed, so what
runs in a vLLM engine or on a server gets the same tokens. `text_thread` runs it beside the forward.
"""
