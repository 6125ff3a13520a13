"""Files of the repository that are pages of the site too, and the links between (an mkdocs hook).

Pages link to what stands outside of `docs/` by relative paths, so that they work where the
repository is browsed. Here such a link leads to the page made of that file; where none is, its text
stays. Nothing is written twice.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {
    "server/README.md": "project/deployment.md",
    "SECURITY.md": "project/security-policy.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "bestofn/embedded/README.md": "project/embedded-models.md",
    "CHANGELOG.md": "project/changes.md",
}
CODE = {
    "bestofn/settings/settings.py": "reference/settings.md",
    "bestofn/cli": "reference/commands.md",
    "bestofn/filters": "reference/filters.md",
    "bestofn/builders/choosing.py": "reference/choosing.md",
    "server/bestofn_server/errors.py": "reference/errors.md",
    "server/bestofn_server/telemetry/metrics.py": "reference/metrics.md",
    "bestofn/__init__.py": "reference/python.md",
}
"""Code, and the page that docs/reference.py makes of it."""
EXAMPLES = "examples.md"
_ORIGINS = {page: path for path, page in PAGES.items()} | {EXAMPLES: "examples/README.md"}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(((?!\w+:)[^)\s#]+)(#[^)\s]*)?\)")
_KINDS = {".py": "python", ".yaml": "yaml", ".jsonl": "json"}


def on_files(files: Files, config: Any) -> Files:
    """The pages that are files elsewhere, and the one that shows the examples."""
    for path, page in PAGES.items():
        content = (ROOT / path).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    files.append(File.generated(config, EXAMPLES, content="\n".join(examples_page())))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page's text with its links leading to pages."""
    return relinked(markdown, page.file.src_uri)


def relinked(markdown: str, page: str) -> str:
    """`markdown` of the page `page` (from the site's root), its links leading to pages."""
    folder = posixpath.dirname(_ORIGINS.get(page, f"docs/{page}"))

    def link(found: re.Match[str]) -> str:
        picture, text, target, anchor = found.groups()
        path = posixpath.normpath(posixpath.join(folder, target))
        leads = _page_of(path)
        if leads is None:
            return text if (ROOT / path).exists() and not picture else found[0]
        to = posixpath.relpath(leads, posixpath.dirname(page) or ".")
        return f"{picture}[{text}]({to}{anchor or _anchor(path)})"

    return _LINK.sub(link, markdown)


def examples_page() -> Iterator[str]:
    """Every example with its code."""
    yield "# Examples\n"
    yield "Each is run by a test, as it stands in the folder `examples` of the repository.\n"
    for path in _examples():
        yield f"## {path.relative_to(ROOT / 'examples')}\n"
        yield f"```{_KINDS[path.suffix]}\n{path.read_text(encoding='utf-8').rstrip()}\n```\n"


def _examples() -> list[Path]:
    found = (ROOT / "examples").rglob("*")
    return sorted(path for path in found if path.suffix in _KINDS)


def _page_of(path: str) -> str | None:
    if path in PAGES or path in CODE:
        return PAGES.get(path) or CODE[path]
    if path == "examples" or path.startswith("examples/"):
        return EXAMPLES
    return path.removeprefix("docs/") if path.startswith("docs/") else None


def _anchor(path: str) -> str:
    """Of an example on the page of all; as Python-Markdown makes it of a heading."""
    if not path.startswith("examples/") or not (ROOT / path).is_file():
        return ""
    name = re.sub(r"[^\w\s-]", "", path.removeprefix("examples/")).strip().lower()
    return "#" + re.sub(r"[-\s]+", "-", name)
