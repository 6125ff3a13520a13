"""The benchmark's documents cut at natural boundaries and rendered as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

_HEADING = re.compile(r"(#{1,6})\s")
_FENCE = re.compile(r"\s*(```|~~~)")
_ITEM = re.compile(r"([-*+]|\d+[.)])\s")


def sections(text: str, longest: int) -> Iterator[str]:
    """The document whole where it has at most `longest` characters, else its sections, each with
    all its subsections, split further only where they are too long."""
    if len(text.strip()) <= longest:
        yield text
        return
    lines = text.splitlines(keepends=True)
    starts: list[tuple[int, int]] = []
    fenced = False
    for number, line in enumerate(lines):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (heading := _HEADING.match(line)):
            starts.append((number, len(heading.group(1))))
    if not starts or (len(starts) == 1 and starts[0][0] == 0):
        return
    top = min(level for number, level in starts if number > 0 or len(starts) == 1)
    cuts = [number for number, level in starts if level <= top]
    for begin, end in zip(cuts, [*cuts[1:], len(lines)], strict=True):
        yield from sections("".join(lines[begin:end]), longest)


def _blocks(text: str) -> Iterator[list[str]]:
    """Runs of lines outside fences without a blank line between them."""
    block: list[str] = []
    fenced = False
    for line in [*text.splitlines(), ""]:
        if _FENCE.match(line):
            fenced = not fenced
        if fenced or not line.strip() or _FENCE.match(line):
            if block:
                yield block
            block = []
        else:
            block.append(line)


def lists(text: str) -> Iterator[str]:
    """Markdown lists of three items or more, whole: one that announces more (:) is not."""
    for block in _blocks(text):
        if block[-1].rstrip().endswith((":", "：")):
            continue
        if _ITEM.match(block[0]) and sum(bool(_ITEM.match(line)) for line in block) >= 3:
            yield "\n".join(block)


def tables(text: str) -> Iterator[str]:
    """Markdown tables with two rows or more, whole."""
    for block in _blocks(text):
        if len(block) >= 4 and all(line.lstrip().startswith("|") for line in block):
            yield "\n".join(block)


def markdown(html: str) -> str:
    """DocBook's HTML as Markdown: headings, paragraphs, lists, tables and preformatted text."""
    parser = _Markdown()
    parser.feed(html)
    text = re.sub(r"[ \t\xa0]+\n", "\n", "".join(parser.out))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"^ +\|", "|", text, flags=re.MULTILINE))


class _Markdown(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.out: list[str] = []
        self._skip = self._pre = self._cell = self._width = 0
        self._row: list[str] = []
        self._header = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = (dict(attrs).get("class") or "").split()
        left_out = tag in ("head", "script") or {"navheader", "navfooter", "toc"} & set(names)
        if left_out or (self._skip and tag in ("div", "dl")):
            self._skip += 1
        elif tag in ("h1", "h2", "h3", "h4") and not self._skip:
            self.out.append("\n\n" + "#" * int(tag[1]) + " ")
        elif tag == "pre":
            self._pre = 1
            self.out.append("\n\n```\n")
        elif tag in ("p", "ul", "ol", "table") and not self._cell:
            if not "".join(self.out[-3:]).rstrip(" ").endswith("\n-"):
                self.out.append("\n\n")
            self._header = self._header or tag == "table"
        elif tag == "li":
            self.out.append("\n- ")
        elif tag == "tr":
            self._row = []
        elif tag in ("td", "th"):
            self._cell = 1
            self._row.append("")

    def handle_endtag(self, tag: str) -> None:
        if self._skip and tag in ("head", "script", "div", "dl"):
            self._skip -= 1
        elif tag == "pre":
            self._pre = 0
            self.out.append("\n```\n\n")
        elif tag in ("td", "th"):
            self._cell = 0
        elif tag == "tr" and self._row:
            # A cell that spans rows stands in the first of them only: the others are filled up.
            self._width = len(self._row) if self._header else self._width
            cells = [""] * (self._width - len(self._row)) + self._row
            self.out.append("| " + " | ".join(cell.strip() for cell in cells) + " |\n")
            if self._header:
                self.out.append("|" + " --- |" * self._width + "\n")
                self._header = False

    def handle_data(self, data: str) -> None:
        if self._skip:
            return
        if self._cell:
            self._row[-1] += re.sub(r"\s+", " ", data)
        elif self._pre:
            self.out.append(data)
        elif text := re.sub(r"\s+", " ", data):
            fresh = not self.out or self.out[-1].endswith(("\n", "- ", "# "))
            text = text.lstrip() if fresh else text
            if text:
                self.out.append(text)


_FONT = re.compile(r"\\f(\(..|\[[^]]*\]|.)|\\[&/,|^]|\\\((?:..)")
_BREAKS = {".PP", ".P", ".LP", ".TP", ".IP", ".RS", ".RE", ".HP", ".SS", ".br", ".sp", ".Sp"}
_FONTS = (".B", ".I", ".BR", ".IR", ".RB", ".BI", ".IB", ".RI", ".SM")
_CJK_GAP = re.compile(r"(?<=[　-鿿＀-￯])\n(?=[　-鿿＀-￯])")


def manual_sections(roff: str) -> Iterator[str]:
    """The sections (.SH) of a manual page as plain text, lines filled as roff fills them.

    Pages in the mdoc language, and sections with preformatted parts, give nothing.
    """
    lines: list[str] = []
    whole = True
    for line in [*roff.splitlines(), ".SH"]:
        macro, _, rest = line.partition(" ")
        if macro == ".SH":
            if whole:
                yield _filled("\n".join(lines))
            lines, whole = [], True
        elif macro in (".nf", ".EX", ".TS", ".Sh") or line.startswith("'\\"):
            whole = False
        elif macro in _FONTS:
            joint = "" if len(macro) == 3 else " "
            words = [a or b for a, b in re.findall(r'"([^"]*)"|(\S+)', rest)]
            lines.append(_plain(joint.join(words)))
        elif macro in _BREAKS:
            lines.append("")
            if macro in (".IP", ".SS") and rest:
                lines += [_plain(rest.strip('"')), ""]
        elif not macro.startswith((".", "'")):
            lines.append(_plain(line))


def _filled(text: str) -> str:
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(re.sub(r"\s*\n\s*", " ", _CJK_GAP.sub("", p)) for p in paragraphs)


def _plain(text: str) -> str:
    return _FONT.sub("", text).replace("\\-", "-").replace("\\e", "\\").replace("\\ ", " ")
