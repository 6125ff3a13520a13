"""Training the tokenizer, and saving it as a fast one that every library loads alike."""

from __future__ import annotations

import io
import itertools
import re

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from training.embedded.architecture import CONTEXT
from training.embedded.chat import BOS, CHAT_TEMPLATE, EOS, PAD, SPECIAL_TOKENS, UNK
from training.world import stream

VOCABULARY = 1536
TRAINING_TASKS = 20_000

# Chinese characters and digits are never merged with their neighbours, so that a value is cut
# into the same tokens wherever it stands; the delimiter is a character of no text of ours.
_DELIMITER = "\u2063"
_APART = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef0-9]"


def train_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """A unigram tokenizer with byte fallback, learnt by sentencepiece from texts of the world."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_sentences(seed),
        model_writer=model,
        model_type="unigram",
        vocab_size=VOCABULARY - len(SPECIAL_TOKENS) + 1,  # its own unk is one of ours
        hard_vocab_limit=False,
        character_coverage=1.0,
        byte_fallback=True,
        split_digits=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        pretokenization_delimiter=_DELIMITER,
        max_sentencepiece_length=12,
        unk_id=0,
        bos_id=-1,
        eos_id=-1,
        num_threads=1,
        minloglevel=1,
    )
    learnt = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return _as_fast_tokenizer(
        [(learnt.id_to_piece(i), learnt.get_score(i)) for i in range(1, len(learnt))]
    )


def _sentences(seed: int) -> itertools.chain[str]:
    tasks = itertools.islice(stream(seed, held_out=False), TRAINING_TASKS)
    texts = itertools.chain.from_iterable((t.prompt, *t.answers, *t.wrong_answers) for t in tasks)
    # Printable ASCII once over, so that no common character needs bytes.
    alphabet = " ".join(map(chr, range(33, 127)))
    split = (re.sub(_APART, rf"{_DELIMITER}\g<0>{_DELIMITER}", text) for text in texts)
    return itertools.chain(split, [alphabet] * 5)


def _as_fast_tokenizer(pieces: list[tuple[str, float]]) -> PreTrainedTokenizerFast:
    vocabulary = [(token, 0.0) for token in SPECIAL_TOKENS] + pieces
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_APART), "isolated")
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Fuse(), decoders.Replace("▁", " ")]
    )
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS]
    )
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        unk_token=UNK,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
        model_max_length=CONTEXT,
        padding_side="right",
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast
