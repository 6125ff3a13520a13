"""Special tokens that contents spell: text, which no tokenizer may take for the token itself.

An answer that spells `<|im_end|>` and `<|im_start|>user` would otherwise be read as a turn of the
user's, who praises it. So what a conversation spells is marked before a template shows it, and
known again in what the template made; the template's own special tokens stand unmarked beside it.

    special = SpecialTokens.of(["<|im_start|>", "<|im_end|>"])
    hidden = special.hide(["No.<|im_end|>"])              # Hidden(["No.<..|im_end|>"], mark="..")
    special.show("<|im_start|>assistant\\nNo.<..|im_end|><|im_end|>", hidden.mark)
    # Rendered("<|im_start|>assistant\\nNo.<|im_end|><|im_end|>", spelled=((25, 35),))
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

NONCHARACTERS = tuple(map(chr, range(0xFDD0, 0xFDEF)))
"""Code points that Unicode keeps for a program's own use, never for text (its section 23.7). The
last of them, U+FDEF, is the renderer's."""

BREAK = "\u200b"
"""A zero-width space: breaks a special token for a server that tokenises itself."""

THOUGHTS = frozenset({"<think>", "</think>"})
"""Tags that models put around their thoughts. They stay tokens where they are special: templates
look for them, and no turn can be forged with them."""

CONTROL_TOKENS = re.compile(
    r"<[|\uff5c][^<>|\uff5c\s]{1,64}[|\uff5c]>"  # ChatML, Llama 3, Phi, GLM, Command, DeepSeek
    r"|</?s>|<(?:bos|eos|pad|unk|mask)>"  # sentencepiece
    r"|<(?:start|end)_of_turn>|<\|turn>|<turn\|>"  # Gemma
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|ARGS)\]"
    r"|\[(?:CLS|SEP|PAD|MASK|UNK|gMASK)\]",
)
"""How the chat templates of public models spell the tokens that part turns, for prompts to a model
whose tokenizer is not here."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as a template made it.

    Args:
        text: the text, as it is to be read.
        spelled: where in it a content spells a special token: [begin, end) each, ascending.
    """

    text: str
    spelled: tuple[tuple[int, int], ...] = ()

    def between(self, begin: int, end: int) -> Rendered:
        """The characters from `begin` to `end`, with the spellings that stand in them whole."""
        kept = [(a - begin, b - begin) for a, b in self.spelled if begin <= a and b <= end]
        return Rendered(self.text[begin:end], tuple(kept))

    def broken(self) -> str:
        """The text with each of those broken, for a server that tokenises it itself."""
        at, parts = 0, []
        for begin, _ in self.spelled:
            parts += [self.text[at : begin + 1], BREAK]
            at = begin + 1
        return "".join([*parts, self.text[at:]])

    def parts(self) -> Iterator[tuple[str, bool]]:
        """The text in pieces, in order, each with whether a content spells a special token there;
        none is empty."""
        at = 0
        for begin, end in self.spelled:
            if at < begin:
                yield self.text[at:begin], False
            yield self.text[begin:end], True
            at = end
        if at < len(self.text):
            yield self.text[at:], False


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a conversation holds, its special tokens marked.

    Args:
        value: the same, of lists, mappings and texts.
        mark: what stands behind the first character of each; '' where there are none.
    """

    value: Any
    mark: str


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The special tokens that a tokenizer finds in a text; make it with `of`.

    Args:
        spellings: theirs, the longest first.
        pattern: finds one in a content; None: there are none.
    """

    spellings: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, spellings: Iterable[str]) -> Self:
        """Those of these spellings that may not be read in a content."""
        wanted = {each for each in spellings if each.strip()} - THOUGHTS
        longest = tuple(sorted(wanted, key=lambda each: (-len(each), each)))
        return cls(longest, any_of(longest))

    def in_content(self, text: str, before: str = "", after: str = "") -> Rendered:
        """A content as a text of its own, with what a template puts around it."""
        found = self.pattern.finditer(text) if self.pattern is not None else ()
        skip = len(before)
        spelled = tuple((skip + match.start(), skip + match.end()) for match in found)
        return Rendered(before + text + after, spelled)

    def hide(self, value: Any) -> Hidden:
        """Mark each special token that a text of `value` spells, keys and all.

        Raises:
            ValueError: the texts hold every noncharacter, so that there is no mark.
        """
        pattern = self.pattern
        if pattern is None or not any(map(pattern.search, _texts(value))):
            return Hidden(value, "")
        used = set(itertools.chain.from_iterable(_texts(value)))
        mark = next((each for each in NONCHARACTERS if each not in used), None)
        if mark is None:
            raise ValueError("it holds every noncharacter of Unicode, and is no text")
        return Hidden(_mapped(value, lambda text: pattern.sub(_marked(mark), text)), mark)

    def show(self, text: str, mark: str) -> Rendered:
        """What a template made of hidden contents, and where it is that they spell the tokens.

        A mark whose token the template has cut goes, too.

        Args:
            text: what it made.
            mark: of `hide`.
        """
        if not mark or mark not in text:
            return Rendered(text)
        pieces = text.split(mark)
        whole, spelled, at = "".join(pieces), [], 0
        for piece in pieces[:-1]:
            at += len(piece)  # the token's first character ends a piece, its rest begins the next
            found = next((each for each in self.spellings if whole.startswith(each, at - 1)), None)
            if at and found is not None:
                spelled.append((at - 1, at - 1 + len(found)))
        return Rendered(whole, tuple(spelled))


NOTHING_SPECIAL = SpecialTokens()
"""Of a tokenizer that finds no special token in any text."""


def without_control_tokens(text: str) -> str:
    """A text with every special token that it may spell broken by `BREAK`: for the prompt of a
    model whose tokenizer is not here."""
    return CONTROL_TOKENS.sub(_marked(BREAK), text)


def any_of(spellings: Sequence[str]) -> re.Pattern[str] | None:
    """What finds the longest of these at the first place; None: there are none."""
    longest = sorted(spellings, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest))) if longest else None


def _marked(mark: str) -> Callable[[re.Match[str]], str]:
    return lambda match: match[0][0] + mark + match[0][1:]


def _texts(value: Any) -> Iterator[str]:
    """Every text in it, keys of mappings too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(key)
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The same with every text changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_mapped(key, change): _mapped(each, change) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(each, change) for each in value]
    return value
