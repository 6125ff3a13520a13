"""Prints how often the filters that are on by default reject prose of eight languages.

    python -m benchmarks.languages

The prose is what translators wrote: the messages of the programs on this machine
(/usr/share/locale), and of installed Python packages, that are a sentence or more in letters of the
language's script and end in a sentence end (Thai has none). A rejection is certain or a suspicion;
shares carry their Wilson interval (95 %).
"""

from __future__ import annotations

import argparse
import gettext
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.real_outputs import interval
from bestofn.builders.pipeline import build_filters
from bestofn.core.filtering import Filtering
from bestofn.core.types import Candidate, Request
from bestofn.settings.settings import Settings

LANGUAGES = {
    "German": ("de", "A-Za-zäöüß"),
    "Czech": ("cs", "A-Za-zěščřžýáíéúůňťď"),
    "Thai": ("th", "\u0e00-\u0e7f"),
    "Arabic": ("ar", "\u0600-\u06ff"),
    "Hindi": ("hi", "\u0900-\u097f"),
    "Hebrew": ("he", "\u0590-\u05ff"),
    "Japanese": ("ja", "\u3040-\u30ff\u4e00-\u9fff"),
    "Korean": ("ko", "\uac00-\ud7af"),
}
"""Languages, with their codes and their letters as a regex class."""

ENDS = ".!?。！？।؟"
FORMATS = re.compile(r"%[-+ #0-9.$*]*[a-zA-Z]|\{\w*\}|%\(\w+\)[sd]|[_&](?=\w)|\n +")
"""Places for values, accelerators and the indentation of help, which no answer has."""


def messages(code: str, letters: str) -> Iterator[str]:
    """The translated messages that are prose, each once."""
    seen: set[str] = set()
    for path in sorted(Path("/usr/share/locale").glob(f"{code}/LC_MESSAGES/*.mo")):
        try:
            with path.open("rb") as file:
                catalog = gettext.GNUTranslations(file)
        except (OSError, UnicodeDecodeError, ValueError):
            continue
        held = getattr(catalog, "_catalog", {})
        for asked, said in held.items():
            if asked and isinstance(said, str) and _is_prose(said, letters) and said not in seen:
                seen.add(said)
                yield said.strip()


def _is_prose(text: str, letters: str) -> bool:
    text = text.strip()
    share = len(re.findall(f"[{letters}]", text)) / max(1, len(text))
    thai = letters.startswith("\u0e00")
    return (
        40 <= len(text) <= 4000
        and share >= 0.55
        and not FORMATS.search(text)
        and (text[-1] in ENDS or (thai and text[-1] not in ":,(-"))
    )


def main() -> None:
    """Print a row for each language, and what was rejected."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=int, default=1500, help="messages of a language")
    parser.add_argument("--show", type=int, default=0, help="print so many of the rejected")
    flags = parser.parse_args()
    filtering = Filtering.of(build_filters(Settings().filters))
    request = Request.from_prompt("-")
    print(f"  {'':<10}{'n':>6}{'certain %':>20}{'suspected %':>22}   reasons")
    for name, (code, letters) in LANGUAGES.items():
        found = list(messages(code, letters))
        random.Random(code).shuffle(found)
        certain = suspected = 0
        reasons: Counter[str] = Counter()
        shown = 0
        for text in found[: flags.most]:
            message = {"role": "assistant", "content": text}
            record = filtering.judge(request, Candidate(0, message, "stop"))
            certain += not record.kept
            suspected += record.suspected
            reasons.update(each.reason for each in record.rejections)
            if record.rejections and shown < flags.show:
                shown += 1
                print(f"    {record.rejections[0].detail}: {text[-200:]!r}")
        n = min(len(found), flags.most)
        print(
            f"  {name:<10}{n:>6}{interval(certain, n):>20}{interval(suspected, n):>22}   "
            f"{dict(reasons)}"
        )


if __name__ == "__main__":
    main()
