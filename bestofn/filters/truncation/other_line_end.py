"""Last words of a line in other languages that announce more: "und", "de la", "и", を.

Each language has its closed classes of words that begin a phrase (articles, conjunctions,
prepositions, relative words) and, as one word may end a sentence in another language, the words
by which a line in it is told. Words that end sentences there too (particles of verbs in German,
object pronouns) are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from types import MappingProxyType

SHOWN, SHORTEST = 2, 3
"""Other words of its language that a text shows, and words that its last line has, before its last
word is judged: `python -m benchmarks.languages` counts the cuts found, and the whole suspected."""

_OPENERS = {
    "de": "und oder sowie sondern weil dass obwohl sofern im am zum zur vom beim ins für zwischen"
    " wegen der die dem des eine einen einem einer eines deren dessen von ihrem seinem",
    "fr": "et ou de du des les un une aux à dans par que dont ce cet cette ces sa ses leurs nos vos"
    " mes ne il qu'il qu'elle qu'un qu'une d'un d'une lorsque parce puisque car ni chaque très"
    " plusieurs c'est n'est l'on se",
    "es": "y e o u de del el los las un una unos unas al a en con por para entre que mientras"
    " porque su sus se pero cuyo cuya cada ni como muy",
    "pt": "e ou de do da dos das os as um uma ao aos em com por pelo pela que porque mas seu sua"
    " seus suas se entre cada nem num numa como para",
    "it": "e ed o di il gli un uno una del dello della dei degli delle al allo alla ai agli alle"
    " dal dallo dalla dai nel nello nella nei nelle sul sullo sulla con per che tra fra ogni cui"
    " se dell' all' nell' un'",
    "nl": "en of de een tussen omdat zodat terwijl waarbij wanneer hun onze uw elke"
    " met voor van als",
    "sv": "och eller att ett en mellan samt vars varje",
    "da": "og eller at et en mellem samt hvis hver mellom",
    "pl": "i oraz lub w we na z ze do od dla po przez przy bez między nad pod ale że aby który"
    " która które których gdy jeśli każdy a",
    "cs": "a i nebo v ve na s z ze do od pro po při bez mezi nad pod ale že aby který která které"
    " když každý jako",
    "ru": "и или в во на с со к по от для из о об у без через между но чтобы который которая"
    " которое которые что если каждый а",
    "uk": "і й та або в у на з зі до від для по через між але що щоб який яка яке які якщо кожен а",
    "ro": "și sau de la în din pe pentru un o unei unui că care prin despre între cu ale al să",
    "el": "και ή στο στη στην στον στα στις με σε από για που να η ο οι των ένα μια",
    "tr": "ve veya bir ile ancak çünkü her",
    "vi": "và của các những với hoặc là một để vì do từ bởi mỗi",
    "id": "dan atau yang di ke dari untuk dengan pada oleh sebagai karena adalah dalam para setiap"
    " agar bahwa",
    "ar": "من في على إلى عن أن إن التي الذي الذين بين حتى عند لأن أو ثم كل",
    "fa": "و که از به در با برای تا هر یا",
    "he": "של את על אל עם כי או בין אשר כל",
    "hi": "और या कि के का की ने को लेकिन क्योंकि एक जो",
}
"""Words that end no sentence, by language."""

_COMMON = {
    "de": "das ist sind und ich sie wir nicht mit auf zu den wird werden haben hat es dass man",
    "fr": "la est sont le pour pas dans vous nous avec sur en au plus je tu elle non oui",
    "es": "la es son no lo más está esta este",
    "pt": "a o não para na no é são mais está à",
    "it": "la lo è non le i in più sono cosa qualche anche",
    "nl": "het is niet van met voor op te in dat die zijn wordt",
    "sv": "det är inte på för med som i den till kan",
    "da": "det er ikke på for med som i den til kan der",
    "pl": "nie się to jest są jak oraz dla",
    "cs": "se je jsou to není si jako pro",
    "ru": "не как что это он она они мы вы его все",
    "uk": "не як що це він вона вони ми ви його всі",
    "ro": "nu este sunt cu mai",
    "el": "δεν είναι θα",
    "tr": "için bu değil olarak daha gibi de da çok",
    "vi": "có không được cho trong này là người",
    "id": "ini itu tidak ada akan bisa dapat lebih anda",
    "ar": "لا ما هو هي كان مع أنه",
    "fa": "است را می شما",
    "he": "הוא היא לא זה יש",
    "hi": "है हैं नहीं यह भी पर",
}
"""Other words by which a line in the language is told."""

_LANGUAGES_OF: defaultdict[str, list[str]] = defaultdict(list)
for _code, _words in _OPENERS.items():
    for _word in _words.split():
        _LANGUAGES_OF[_word].append(_code)
OPENERS = MappingProxyType({word: tuple(codes) for word, codes in _LANGUAGES_OF.items()})
"""The languages in which a word ends no sentence."""

_ENGLISH = frozenset(
    {"a", "am", "as", "at", "con", "den", "des", "die", "do", "e", "for", "i", "in", "is", "me"}
    | {"no", "o", "of", "per", "son", "to"}
)
"""Words that show nothing, since English texts have them too."""

_SHOWS = {
    code: frozenset(f"{words} {_COMMON[code]}".split()) - _ENGLISH
    for code, words in _OPENERS.items()
}

_PARTICLE = re.compile(
    r"[ぁ-んァ-ヶ一-龯ー](?:および|または|そして|しかし|における|に関する)$|、[^、。]{2,20}を$"
)
"""Particles and conjunctions that end no Japanese sentence; を ends slogans, but of one clause."""

_UNAMBIGUOUS = re.compile(r"[\u0370-\u04ff\u0590-\u05ff\u0900-\u097f]+")
"""Words in Greek, Cyrillic, Hebrew and Devanagari letters, which show the language themselves."""

_MARKS = "\"'“”„«»‚‘’()[]¿¡*_`,;:…"


def other_open_end(line: str, context: str) -> str | None:
    """The last word of the line, where it announces more in the language of what is around it.

    `context` is the end of the text that the line stands in, the line included.
    """
    if particle := _PARTICLE.search(line[-8:]):
        return particle.group()[1:]
    words = line.replace("’", "'").split()
    if len(words) < SHORTEST:
        return None
    codes = OPENERS.get(words[-1])
    if codes is None:
        return None
    if _UNAMBIGUOUS.fullmatch(words[-1]):
        return words[-1]
    stripped = (word.strip(_MARKS) for word in context.replace("’", "'").split()[:-1])
    around = {word.lower() if len(word) > 1 else word for word in stripped}
    return words[-1] if any(len(_SHOWS[code] & around) >= SHOWN for code in codes) else None
