"""Clean text that nobody of this project wrote, by kind, for the filter benchmark.

Nothing is copied into the repository: texts are read where they lie on an ordinary machine (the
interpreter's library and site-packages, /usr/share) or in Debian packages that were unpacked into
a cache directory. They are taken whole, at natural boundaries: a document, a section with all its
subsections, a function, a list, a table, a poem, a JSON value. A paragraph that announces the next
one (it ends in a colon) stays with it, since a section is never split.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import re
import subprocess
import sysconfig
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import markup

PACKAGES = (
    "fortunes",
    "fortunes-zh",
    "manpages-zh",
    "miscfiles",
    "debian-reference-en",
    "debian-reference-zh-cn",
)
"""Debian packages with prose, poems, lists and tables, English and Chinese."""

_RECORDS = (
    "airport",
    "countries",
    "currency",
    "inter.phone",
    "languages",
    "na.phone",
    "na.postalcodes",
    "top-level.domains",
    "unicode",
)
"""Files with one record per line in miscfiles."""

SHORTEST, LONGEST = 40, 4000
"""Characters of a clean text: the lengths of answers."""


@dataclass(frozen=True, slots=True)
class Document:
    """One clean text and its kind; `half` is 0 (tuning) or 1 (reporting), by a hash of the text."""

    kind: str
    text: str

    @property
    def digest(self) -> int:
        """A stable 64-bit number of the text: orders, splits and seeds."""
        return int.from_bytes(hashlib.sha256(self.text.encode()).digest()[:8])

    @property
    def half(self) -> int:
        """0: the half thresholds were chosen on; 1: the half that is reported."""
        return self.digest & 1


def fetch(cache: Path) -> None:
    """Download the Debian packages and unpack them under `cache`, one folder each.

    Raises:
        subprocess.CalledProcessError: apt-get or dpkg-deb failed.
    """
    cache.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        if (cache / package).is_dir():
            continue
        subprocess.run(["apt-get", "download", "-q", package], cwd=cache, check=True)
        (archive,) = cache.glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "-x", str(archive), str(cache / package)], check=True)


def load(cache: Path, per_kind: int) -> dict[str, list[Document]]:
    """Up to `per_kind` different documents of each kind and half, in an order fixed by hashes.

    A kind of which this machine has nothing is an empty list.
    """
    return {kind: _sample(kind, find(cache), per_kind) for kind, find in KINDS.items()}


def _sample(kind: str, texts: Iterator[str], per_kind: int) -> list[Document]:
    unique: dict[str, Document] = {}
    for text in texts:
        text = text.strip()
        if SHORTEST <= len(text) <= LONGEST:
            # Licences differ in a name and a year, file headers in a path: one of each is enough.
            key = re.sub(r"[\W\d_]+", " ", text.lower())
            unique.setdefault(hashlib.sha256(key[:400].encode()).hexdigest(), Document(kind, text))
    ordered = sorted(unique.values(), key=lambda document: document.digest)
    return [d for half in (0, 1) for d in [d for d in ordered if d.half == half][:per_kind]]


def _read(path: Path) -> str:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            return str(file.read()).replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        return ""


def _site(*patterns: str) -> Iterator[Path]:
    root = Path(sysconfig.get_paths()["purelib"])
    for pattern in patterns:
        yield from sorted(root.rglob(pattern))


def _share(cache: Path, *patterns: str) -> Iterator[Path]:
    """Files under /usr/share of this machine and of every unpacked package."""
    for root in (Path("/"), *sorted(p for p in cache.glob("*") if p.is_dir())):
        for pattern in patterns:
            yield from sorted((root / "usr/share").glob(pattern))


def _manuals() -> Iterator[str]:
    """Markdown documents and package descriptions."""
    for path in _site("*.md", "*.dist-info/METADATA"):
        text = _read(path)
        if path.name != "METADATA":
            yield text
        elif "content-type: text/markdown" in text.partition("\n\n")[0].lower():
            yield text.partition("\n\n")[2]


def docs(cache: Path) -> Iterator[str]:
    """Markdown documents: whole where short, else their sections with all subsections."""
    for text in _manuals():
        yield from markup.sections(text, LONGEST)


def lists(cache: Path) -> Iterator[str]:
    """Markdown lists of three items or more."""
    for text in (*_manuals(), *_handbook(cache, "en"), *_handbook(cache, "zh-cn")):
        yield from markup.lists(text)


def tables(cache: Path) -> Iterator[str]:
    """Markdown tables with two rows or more."""
    for text in (*_manuals(), *_handbook(cache, "en"), *_handbook(cache, "zh-cn")):
        yield from markup.tables(text)


def records(cache: Path) -> Iterator[str]:
    """Twenty lines at a time of tables with a record per line (cities, currencies, area codes);
    of long tables a hundred places, evenly spread."""
    for path in _share(cache, *(f"misc/{name}.gz" for name in _RECORDS)):
        lines = [line for line in _read(path).splitlines() if line and not line.startswith("#")]
        starts = range(0, len(lines) - 20, max(20, len(lines) // 100))
        yield from ("\n".join(lines[i : i + 20]) for i in starts)


def licences(cache: Path) -> Iterator[str]:
    """Whole licence and copyright files."""
    for path in (*_site("*LICEN[CS]E*", "*NOTICE*"), *_share(cache, "doc/*/copyright")):
        yield _read(path)


def _functions() -> Iterator[tuple[str, str]]:
    """(source, docstring) of the standard library's functions; '' where there is none."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted((*root.glob("*.py"), *root.glob("[a-z]*/*.py"))):
        text = _read(path)
        if "site-packages" in path.parts or "lib2to3" in path.parts or not text:
            continue
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        lines = text.splitlines()
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                source = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                yield textwrap.dedent(source), ast.get_docstring(node) or ""


def code(cache: Path) -> Iterator[str]:
    """Whole functions in a Markdown fence, as chat models answer."""
    for source, _ in _functions():
        yield f"```python\n{source}\n```"


def raw_code(cache: Path) -> Iterator[str]:
    """Whole functions and whole short files in other languages, without a fence."""
    for source, _ in _functions():
        yield source
    for path in _site("*.h", "*.js", "*.sh", "*.css", "*.cmake", "*.toml"):
        yield _read(path)


def docstrings(cache: Path) -> Iterator[str]:
    """Whole docstrings of functions."""
    for _, docstring in _functions():
        yield docstring


def json_values(cache: Path) -> Iterator[str]:
    """Whole JSON files, and the objects and arrays inside longer ones."""
    for path in _site("*.json"):
        text = _read(path)
        if len(text) > 2_000_000:
            continue
        try:
            value = json.loads(text)
        except ValueError:
            continue
        if len(text) <= LONGEST:
            yield text
            continue
        parts = list(value.values() if isinstance(value, dict) else value)
        for part in [part for part in parts if isinstance(part, dict | list)][:20]:
            yield json.dumps(part, indent=2, ensure_ascii=False)


def _fortunes(cache: Path, *names: str) -> Iterator[str]:
    for path in _share(cache, *(f"games/fortunes/{name}" for name in names)):
        for text in re.split(r"^%\n?", _read(path), flags=re.MULTILINE):
            yield re.sub(r"\x1b\[[0-9;]*m", "", text)


def poems(cache: Path) -> Iterator[str]:
    """English songs and poems, many with refrains."""
    return _fortunes(cache, "songs-poems")


def poems_zh(cache: Path) -> Iterator[str]:
    """Chinese poems, with title and author."""
    return _fortunes(cache, "tang300", "song100")


def sayings(cache: Path) -> Iterator[str]:
    """English quotations, definitions and anecdotes."""
    return _fortunes(cache, "wisdom", "science", "definitions", "computers", "miscellaneous")


def sayings_zh(cache: Path) -> Iterator[str]:
    """Chinese quotations, jokes and letters."""
    return _fortunes(cache, "chinese")


def _handbook(cache: Path, language: str) -> Iterator[str]:
    for path in _share(cache, f"debian-reference/ch*.{language}.html"):
        yield markup.markdown(_read(path))


def prose(cache: Path) -> Iterator[str]:
    """Sections of an English handbook, rendered as Markdown."""
    for text in _handbook(cache, "en"):
        yield from markup.sections(text, LONGEST)


def prose_zh(cache: Path) -> Iterator[str]:
    """Sections of a Chinese handbook, rendered as Markdown, and of Chinese manual pages."""
    for text in _handbook(cache, "zh-cn"):
        yield from markup.sections(text, LONGEST)
    for path in _share(cache, "man/zh_CN/man[1-8]/*.gz"):
        yield from (s for s in markup.manual_sections(_read(path)) if re.search(r"[一-鿿]{8}", s))


KINDS: dict[str, Callable[[Path], Iterator[str]]] = {
    "prose": prose,
    "prose zh": prose_zh,
    "sayings": sayings,
    "sayings zh": sayings_zh,
    "poems": poems,
    "poems zh": poems_zh,
    "docs": docs,
    "docstrings": docstrings,
    "licences": licences,
    "lists": lists,
    "tables": tables,
    "records": records,
    "code": code,
    "raw code": raw_code,
    "json": json_values,
}
"""Every kind of clean text, and what finds it."""
