"""The filter of foreign scripts: letters of a script that neither prompt nor answer is written in.

A model that slips into another language does it for a word or two, in the middle of a sentence:
no language model is needed to see Chinese in a Hebrew answer.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.types import Candidate, Rejection, Request, message_text
from bestofn.filters.markdown import hide_code
from bestofn.filters.reasoning import split_reasoning

_RANGES = {
    "Latin": "A-Za-zªºÀ-ÖØ-öø-ɏḀ-ỿ",
    "Greek": "Ͱ-Ͽἀ-῿",
    "Cyrillic": "Ѐ-ԯ",
    "Armenian": "԰-֏",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "Devanagari": "\u0900-\u097f",
    "Bengali": "\u0980-\u09ff",
    "Gurmukhi": "\u0a00-\u0a7f",
    "Gujarati": "\u0a80-\u0aff",
    "Tamil": "\u0b80-\u0bff",
    "Telugu": "\u0c00-\u0c7f",
    "Kannada": "\u0c80-\u0cff",
    "Malayalam": "\u0d00-\u0d7f",
    "Sinhala": "\u0d80-\u0dff",
    "Thai": "\u0e00-\u0e7f",
    "Lao": "\u0e80-\u0eff",
    "Tibetan": "\u0f00-\u0fff",
    "Burmese": "\u1000-\u109f",
    "Georgian": "\u10a0-\u10ff",
    "Hangul": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "Ethiopic": "\u1200-\u137f",
    "Khmer": "\u1780-\u17ff",
    "Kana": "\u3041-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "Han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
}
_RUN = re.compile("|".join(f"(?P<{name}>[{ranges}]+)" for name, ranges in _RANGES.items()))
_NOT_LATIN = re.compile("[" + "".join(r for name, r in _RANGES.items() if name != "Latin") + "]")
_ASIDE = re.compile(
    r"\([^()\n]{1,200}\)|（[^（）\n]{1,200}）|[\"“„«‘「『《][^\"”“»’」』》\n]{1,200}[\"”“»’」』》]"
    r"|\[[^\[\]\n]{1,200}\]|\*{1,2}[^*\n]{1,120}\*{1,2}"
    r"|\S{0,40}://\S{1,400}|^[ \t]{0,40}\|.*$|^.{0,60}[:：].*$",
    re.MULTILINE,
)
"""Where foreign words stand rightly: glosses, quotations, emphasis, links, tables, glossaries."""

_LANGUAGE = re.compile(
    r"(?i)\b(?:translat\w*|languages?|alphabet|script|chinese|japanese|korean|russian|arabic|hebrew|greek"
    r"|hindi|thai|persian|kanji|hangul|cyrillic|pinyin|etymolog\w*|poem|haiku|name\w*|word|lyrics)\b"
    r"|翻译|日语|中文|汉|英|翻訳|語|漢字|한자|번역|перев|язык"
)
_COMPANIONS = {
    "Kana": {"Han"},
    "Han": {"Kana"},
    "Hangul": {"Han"},
}
"""Scripts that are written together: Han and kana (a Japanese prompt may be all kanji)."""

READ = 30_000
"""Characters that are read of an answer, and of the prompt."""

SURE = 0.8
"""Share of the letters of the answer's main script from which the others are foreign to it."""

CERTAIN = 2
"""Places with foreign letters grown into a word of the main script, from which it is certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFilter:
    """Rejects answers with letters of a script that neither they nor the prompt are written in.
    Reason: ``foreign_script``. Latin letters are at home everywhere, single Greek letters too.
    Glosses, quotations, tables and code are left out, and so are prompts about languages.

    Args:
        min_letters: letters of a foreign script in a row that count.
    """

    min_letters: int = 2

    portable: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The filter's name."""
        return "script"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection that shows the first foreign letters."""
        text = candidate.text
        if text.isascii() or not _NOT_LATIN.search(text):
            return None
        asked = "\n".join(message_text(message)[:READ] for message in request.messages)[:READ]
        if _LANGUAGE.search(asked):
            return None
        prose = _ASIDE.sub(" ", hide_code(split_reasoning(text).answer[:READ]))
        letters: Counter[str] = Counter()
        runs = list(_RUN.finditer(prose))
        for run in runs:
            letters[str(run.lastgroup)] += len(run.group())
        total = letters.total()
        if total < 60:
            return None
        main, most = letters.most_common(1)[0]
        if main == "Latin" or most + letters["Latin"] < SURE * total:
            return None
        known = {main, "Latin", "Greek", *_COMPANIONS.get(main, ())}
        known |= {str(run.lastgroup) for run in _RUN.finditer(asked)}
        foreign = [
            run
            for run in runs
            if run.lastgroup not in known and len(run.group()) >= self.min_letters
        ]
        if not foreign:
            return None
        grown = sum(
            prose[run.start() - 1 : run.start()].isalpha()
            or prose[run.end() : run.end() + 1].isalpha()
            for run in foreign
        )
        first = foreign[0]
        return Rejection(
            self.name,
            "foreign_script",
            f"{first.group()[:20]!r} is {first.lastgroup} in a text in {main}",
            certain=grown >= CERTAIN,
        )
