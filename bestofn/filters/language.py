"""The filter of wrong languages: answers in another language than the prompt or a list names."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.markdown import outline
from bestofn.filters.reasoning import split_reasoning
from bestofn.support import json_answer

_NO_PROSE = re.compile(
    r"`[^`\n]{1,200}`|\b\w{1,12}://\S{1,400}|[\w.+-]{1,60}@[\w-]{1,60}(?:\.[\w-]{1,30}){1,4}"
    r"|\$[^$\n]{1,200}\$|<[^<>\n]{1,80}>|\x00|[\w./-]{1,60}[_/\\\\][\w./-]{1,60}"
)
"""Inline code, addresses, formulas, tags and names of files, which belong to no language."""

_CODE_LINE = re.compile(
    r"^(?=[^\n]{0,400}$)(?:[^\n]*[{}]|[^\n;]*[()=$\[\]][^\n]*;"
    r"|[ \t]*(?:<\?|\$\w|#include|import )[^\n]*)[ \t]*$",
    re.MULTILINE,
)
"""Lines of program text without a fence: a statement, a block's head or end."""

_WIDE = re.compile(r"[぀-ヿ㐀-䶿一-鿿가-힯]")
_LETTER = re.compile(r"[^\W\d_]")

_MIXED = 0.2
"""A text in which CJK characters and alphabets both have more than this share is mixed."""

_SLICE, _JUDGED = 6000, 1000
"""Characters that are searched for prose, and those of it that are looked at: lingua needs one
sentence, and its time grows with the text."""

_CODE_SIGN = re.compile(
    r"```|&quot;|#include|[{}]|;\s|\w\(\)|<\w|(?:^|\s)(?:import|def|class|function|const|let|var)\s\w"
    r"|\w+(?:\.\w+){2}|\s=\s"
)
"""Where code begins in a prompt: what stands before it tells its language."""

_NAMES_A_LANGUAGE = re.compile(
    r"(?i)\b(?:translat\w*|translit\w*|languages?|bilingual|multilingual|in (?:your|my) own words"
    r"|english|german|french|spanish|italian|portuguese|dutch|polish|czech|slovak|russian|ukrainian"
    r"|chinese|mandarin|cantonese|japanese|korean|arabic|hebrew|hindi|persian|farsi|turkish|greek"
    r"|latin|vietnamese|thai|indonesian|malay|romanian|hungarian|swedish|danish|norwegian|finnish"
    r"|übersetz\w*|sprache\w*|deutsch\w*|englisch\w*|französisch\w*|tradui\w*|traduc\w*|anglais\w*"
    r"|français\w*|inglés\w*|español\w*|idioma\w*|traduz\w*|inglês\w*|português\w*|inglese|italiano"
    r"|lingua|przetłumacz\w*|angielsk\w*|přelož\w*|anglick\w*|vertaal\w*|engels\w*|nederlands\w*"
    r"|çevir\w*|ingilizce\w*|türkçe\w*|traduce\w*|engleză\w*|terjemah\w*|bahasa|inggris"
    r"|dịch|tiếng|перев[её]\w*|перекла\w*|английск\w*|англійськ\w*|русск\w*|язык\w*|мов[аіу])\b"
    r"|翻译|翻譯|英语|英文|中文|汉语|日语|翻訳|英語|日本語|中国語|번역|영어|한국어|ترجم|الإنجليزية|العربية|انگلیسی|فارسی"
    r"|תרגם|תרגמ|אנגלית|עברית|अनुवाद|अंग्रेजी|हिंदी|แปล"
)
"""A prompt that names a language, or asks to translate, in the languages of most requests."""

_NEIGHBOURS = (
    {"id", "ms", "tl"},
    {"cs", "sk"},
    {"ro", "la", "it"},
    {"da", "nb", "nn", "sv"},
    {"hr", "sr", "bs", "sl", "mk", "bg"},
    {"es", "ca", "pt", "gl"},
    {"ru", "uk", "be", "bg", "mk", "sr", "mn", "kk"},
    {"nl", "af"},
    {"hi", "mr"},
    {"fa", "ar", "ur"},
    {"zh", "ja"},
    {"tr", "az"},
    {"et", "fi"},
)
"""Languages that are taken for each other in texts of a few lines."""

_RARE = frozenset(
    {"mi", "la", "eo", "sn", "so", "st", "sw", "tn", "ts", "xh", "yo", "zu", "lg", "cy", "eu", "ga"}
    | {"sq", "is", "tl", "nn", "bs", "ca", "af"}
)
"""Languages that short texts of others are taken for: no prompt is judged to be in one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageFilter:
    """Rejects answers in the wrong language. Reason: ``wrong_language``.

    Reasoning, code, addresses and formulas are left out. Text with few letters, or in which no
    language is clearly ahead (mixed text, quotations), is not judged; neither is an answer to a
    prompt that cannot be judged, that names a language or asks to translate, nor one in a
    neighbour of the prompt's language (Czech and Slovak), unless `allowed` is given. The newest
    user message is the prompt. Against the prompt it is a suspicion, against `allowed` certain.

    Args:
        allowed: ISO 639-1 codes ("en", "zh") of the languages that answers may have; empty: that
            of the prompt.
        min_letters: letters a text needs to be judged; a CJK character counts as three.
        min_confidence: how sure lingua has to be of the most likely language, above 0.5 to 1.

    Raises:
        ConfigError: a code is unknown, or a number is out of its range.
    """

    allowed: str | Sequence[str] = ()
    min_letters: int = 60
    min_confidence: float = 0.9
    _codes: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        codes = (self.allowed,) if isinstance(self.allowed, str) else tuple(self.allowed)
        if not 0.5 < self.min_confidence <= 1:
            raise ConfigError(
                f"language filter: min_confidence is {self.min_confidence}; "
                "it must be above 0.5 and at most 1"
            )
        if self.min_letters < 1:
            raise ConfigError(f"language filter: min_letters is {self.min_letters}, below 1")
        # Loads the models (about a second) now, rather than on the event loop later.
        _detector().compute_language_confidence_values("one short sentence, 一句话")
        object.__setattr__(self, "_codes", frozenset(code.lower() for code in codes))
        if unknown := sorted(self._codes - _known_codes()):
            raise ConfigError(
                f"language filter: {', '.join(unknown)}: no language that lingua knows "
                "by an ISO 639-1 code"
            )

    portable: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The filter's name."""
        return "language"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection that names both languages."""
        answer = split_reasoning(candidate.text).answer
        found = None if json_answer.is_document(answer) else self._language(answer)
        if found is None:
            return None
        wanted = self._codes
        if not wanted:
            asked = request.last_user_text[:_SLICE]
            if _NAMES_A_LANGUAGE.search(asked):
                return None
            said = _CODE_SIGN.split(asked, maxsplit=1)[0]
            prompt = self._language(said)
            if prompt is None or {prompt, found} & _RARE or _neighbours(prompt, found):
                return None
            if _shares_letters(asked, found, prompt):
                return None
            wanted = frozenset({prompt})
        if found in wanted:
            return None
        return Rejection(
            self.name,
            "wrong_language",
            f"the answer's language is {found!r}, not {' or '.join(map(repr, sorted(wanted)))}",
            certain=bool(self._codes),
        )

    def _language(self, text: str) -> str | None:
        """The ISO 639-1 code of the text's language; None where it cannot be told."""
        text = text[:_SLICE]
        prose = _NO_PROSE.sub(" ", _CODE_LINE.sub("", outline(text).prose))[:_JUDGED]
        wide, letters = len(_WIDE.findall(prose)), len(_LETTER.findall(prose))
        if letters + 2 * wide < self.min_letters:
            return None
        # Three letters of an alphabet weigh as much as one CJK character.
        share = 3 * wide / (letters + 2 * wide)
        if _MIXED < share < 1 - _MIXED:
            return None
        ranked = _detector().compute_language_confidence_values(prose)
        if not ranked or ranked[0].value < self.min_confidence:
            return None
        return str(ranked[0].language.iso_code_639_1.name).lower()


def _shares_letters(prompt: str, found: str, language: str) -> bool:
    """Whether a prompt that seems English (by its code and names) is written in letters that
    English has not, or the answer's script stands in it: then it may well be in that language."""
    if language == "en" and any(not letter.isascii() for letter in _LETTER.findall(prompt)):
        return True
    return found in ("zh", "ja", "ko") and _WIDE.search(prompt) is not None and language == "en"


def _neighbours(one: str, other: str) -> bool:
    return any({one, other} <= group for group in _NEIGHBOURS)


@functools.cache
def _detector() -> Any:
    """lingua's detector of all its languages; each language's model loads when it is needed.

    Low accuracy mode: it uses trigrams only, which suffice from about 120 characters on (lingua's
    README), and the process takes 87 MB instead of 913 MB (measured). On the tuning texts of
    benchmarks/filters.py it names a wrong language for about one in a hundred.
    """
    from lingua import LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().build()


@functools.cache
def _known_codes() -> frozenset[str]:
    from lingua import Language

    return frozenset(language.iso_code_639_1.name.lower() for language in Language.all())
