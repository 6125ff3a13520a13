"""Last characters of a Chinese line that announce more: 以及, 从, 每个."""

from __future__ import annotations

import re

_JOINTS = (
    r"(?<![饱总柔温缓调平谐祥随共不])和|(?<![参给赠授予])与|(?<![普涉波提顾危触未企以])及"
    r"|(?<![间])或|、"
)
"""Characters that join two nouns, but as the end of the words excluded before them (温和, 普及)."""

_WORDS = (
    r"以及|并且|而且|但是|因为|由于|如果|例如|比如|譬如|包括|或者|即使|虽然|能够|不仅|不但"
    r"|称为|成为|视为|(?<!以)为了|每个|某个|每一个|某一个|任何一个|各种|各类|多种|某种|非常|以便|从而|进而"
    r"|具有|拥有|导致|使得|诸如|随着|按照|依照|除了|任何|进一步|更加|逐渐|(?<![归为])所有|主要"
    r"|(?:等|大|小|位|属|由|关|对|至|基|用|处|利)于"
)
"""Words that end no clause."""

_CHARACTERS = (
    r"(?<![服自遵盲听])从|(?<![棉])被|(?<![一火拖车])把|(?<![即麻大名上中少健干强])将|(?<![合])并|(?<![学])而|且|但"
    r"|(?<![般])若|(?<![应活])该|(?<![耳])其|每|各|(?<![得])很|(?<![之])最|(?<![首成京古丽])都|(?<![自理缘])由|又"
    r"|(?<![而不早])已|(?<![成造将])就|(?<![大天即驱假])使|(?<![我你他她它们不都还也现存实所正内外潜好自健])在"
)
"""Characters that do not either, but in the words excluded (服从, 而已) and in short answers."""

_LONGER = (
    # Only behind a few characters more, where they are no answer of their own ("红色的", "都可以").
    r"[^\W\d_]{4,}(?<![不就还都正也才倒可他她它我你们这那])是|[^\W\d_]{4,}(?<![不就还都也你我他她们])可以"
    r"|[^\W\d_]{2,}(?<![有哪那这我后同另第下上是只])一(?:个|种|位|名|项|系列)|(?<![是会])[^\W\d_是会喜欢]{7,}(?<![目似真有好])的"
    r"|[^\W\d_]{4,}(?<![要好可岂对从])不"
    r"|[^\W\d_]{2,}(?:必须|应当|正在|曾经|已经|仍然|尚未|并未|并不|并非|从未|用来|用以|来自|针对)"
    r"|[^\W\d_]{2,}[是的有由了为以在用每另某]一"
)
_OPEN = re.compile(rf"(?:(?P<joint>{_JOINTS}|{_WORDS})|{_CHARACTERS}|{_LONGER})$")

SENTENCE = 4
"""Characters of a line that may be more than an answer of one or two words (他们都)."""

_CHARACTER = re.compile(r"[㐀-鿿]")
_ANSWERS = "是对否错有无好会能行可终完"
"""Single characters that answer a question, or close a text."""


def chinese_open_end(line: str) -> str | None:
    """The last one or two characters of the line, where they announce more."""
    tail = line[-40:].strip()
    found = _OPEN.search(tail)
    if found is None or (found["joint"] == tail and tail != "、"):
        return None
    if found["joint"] is None and len(_CHARACTER.findall(tail)) < SENTENCE:
        return None
    return found.group()[-2:]


def lone_character(line: str) -> bool:
    """Whether the line is a single Chinese character that is no answer."""
    line = line.strip()
    return _CHARACTER.fullmatch(line) is not None and line not in _ANSWERS
