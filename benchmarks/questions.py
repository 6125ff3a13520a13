"""Questions with checkable answers, in English and Chinese, for a small chat model.

    questions()[0].prompt          # "What is the capital of France?"
    questions()[0].is_right("It is Paris.")                                   # True

Written for this project: facts of a schoolbook that a model of some hundred million weights knows
some of and gets wrong often enough to choose from. Of the embedded pair's world they hold nothing.
A question stands by itself, or with `IN_ONE_WORD` behind it: so told, SmolLM2-135M-Instruct is
right in 9 % of its answers instead of 24 %, and what is chosen among them matters more.

Of the answers of its kind that a text names and the question does not, the first counts: "Canberra,
not Sydney" is right, "Sydney or Canberra" is not. How answers are voted on (`bestofn.answers`) has
no part in it.
"""

from __future__ import annotations

import functools
import random
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and how its answers are told apart.

    Args:
        prompt: as it is asked.
        kind: of its answers: "capital", "sum", ...
        language: "en" or "zh".
        right: every way to say the answer; one is enough.
        rivals: answers of the same kind that are wrong here; None: every number.
    """

    prompt: str
    kind: str
    language: str
    right: tuple[str, ...]
    rivals: frozenset[str] | None

    def is_right(self, text: str) -> bool:
        """Whether the first answer of its kind that `text` names is right."""
        said, asked = _plain(text), _plain(self.prompt)
        if self.rivals is None:
            held = _NUMBER.findall(asked)
            return next((n for n in _NUMBER.findall(said) if n not in held), None) in self.right
        places = [
            (found.start(), form not in self.right)
            for form in {*self.right, *self.rivals}
            if (found := _form(form).search(said)) and not _form(form).search(asked)
        ]
        return bool(places) and not min(places)[1]


_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _plain(text: str) -> str:
    return re.sub(r"(?<=\d),(?=\d{3})", "", unicodedata.normalize("NFKC", text))


@functools.cache
def _form(form: str) -> re.Pattern[str]:
    """A whole word, in any case unless it is a symbol; Chinese puts no spaces between words."""
    if not form.isascii():
        return re.compile(re.escape(form))
    case = 0 if form[0].isupper() and len(form) <= 2 else re.IGNORECASE
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])", case)


IN_ONE_WORD = {"en": " Answer in one word.", "zh": "用一个词回答。"}
"""What may stand behind a question, by language."""

CAPITALS = """France Paris|Japan Tokyo|Germany Berlin|Italy Rome|Spain Madrid|Russia Moscow
China Beijing|India New_Delhi|Canada Ottawa|Australia Canberra|Brazil Brasília=Brasilia
Egypt Cairo|Kenya Nairobi|Peru Lima|Chile Santiago|Argentina Buenos_Aires|Mexico Mexico_City
Cuba Havana|Greece Athens|Turkey Ankara|Iran Tehran|Iraq Baghdad|Poland Warsaw|Austria Vienna
Hungary Budapest|Sweden Stockholm|Norway Oslo|Finland Helsinki|Denmark Copenhagen|Portugal Lisbon
Ireland Dublin|Belgium Brussels|Thailand Bangkok|Vietnam Hanoi|Indonesia Jakarta|Nepal Kathmandu
Morocco Rabat|Nigeria Abuja|Ukraine Kyiv=Kiev|South_Korea Seoul"""

SYMBOLS = """gold Au|silver Ag|iron Fe|oxygen O|hydrogen H|carbon C|nitrogen N|sodium Na
potassium K|calcium Ca|copper Cu|lead Pb|tin Sn|zinc Zn|chlorine Cl|mercury Hg|magnesium Mg
aluminium Al"""

OPPOSITES = """hot cold|tall short|early late|big small=little|fast slow|light dark=heavy|happy sad
up down|open closed=shut=close|wet dry|hard soft=easy|rich poor|young old|strong weak|full empty
high low|left right|push pull|day night|win lose|love hate|inside outside|begin end=finish
loud quiet|sharp dull=blunt|deep shallow|wide narrow|buy sell|true false|cheap expensive"""

PLURALS = """child children|mouse mice|foot feet|tooth teeth|goose geese|man men|woman women
leaf leaves|knife knives|box boxes|city cities|ox oxen|wolf wolves|baby babies"""

YOUNG = """cat kitten|dog puppy=pup|cow calf|horse foal|sheep lamb|hen chick|lion cub|goat kid
kangaroo joey|frog tadpole|swan cygnet|duck duckling"""

PAST = """go went|eat ate|see saw|run ran|buy bought|take took|write wrote|sing sang|swim swam
think thought|teach taught|fly flew"""

COLOURS = """a_ripe_banana yellow|fresh_grass green|snow white|coal black|a_ripe_tomato red
the_clear_sky_at_noon blue|a_ruby red|an_emerald green|milk white"""

UNITS = """minutes_are_in_an_hour 60|seconds_are_in_a_minute 60|hours_are_in_a_day 24
days_are_in_a_week 7|months_are_in_a_year 12|centimetres_are_in_a_metre 100
metres_are_in_a_kilometre 1000|grams_are_in_a_kilogram 1000|inches_are_in_a_foot 12
years_are_in_a_century 100|years_are_in_a_decade 10|legs_does_a_spider_have 8
sides_does_a_triangle_have 3|sides_does_a_hexagon_have 6|letters_are_in_the_English_alphabet 26
eggs_are_in_a_dozen 12"""

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

CHINESE_CAPITALS = """中国 北京|法国 巴黎|日本 东京|德国 柏林|英国 伦敦|意大利 罗马|西班牙 马德里
俄罗斯 莫斯科|美国 华盛顿|加拿大 渥太华|韩国 首尔|泰国 曼谷|埃及 开罗|希腊 雅典|印度 新德里
澳大利亚 堪培拉"""
CHINESE_OPPOSITES = """白天 夜晚=黑夜=晚上|开始 结束|朋友 敌人|黑暗 光明|寒冷 炎热=温暖|简单 复杂
增加 减少|成功 失败|安全 危险|过去 未来=将来|快乐 悲伤=痛苦|前进 后退"""
CHINESE_SYMBOLS = "氧 O|氢 H|碳 C|铁 Fe|金 Au|银 Ag|铜 Cu|钠 Na|钙 Ca|氮 N"
CHINESE_COLOURS = (
    "雪 白色=白的|煤 黑色=黑的|草 绿色=绿的|香蕉 黄色=黄的|天空 蓝色=蓝的|血 红色=红的"
)
CHINESE_UNITS = """一天有多少小时 24|一小时有多少分钟 60|一分钟有多少秒 60|一年有几个月 12
一个星期有几天 7|一米等于多少厘米 100|一千克等于多少克 1000|三角形有几条边 3"""


def _table(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is asked about, and the ways to say the answer: ``Ukraine Kyiv=Kiev|...``."""
    for entry in re.split(r"[|\n]", text):
        asked, _, answers = entry.partition(" ")
        yield asked.replace("_", " "), tuple(answers.replace("_", " ").split("="))


def _asked(template: str, kind: str, table: str, language: str = "en") -> Iterator[Question]:
    """One question a row; the other rows' answers are rivals."""
    rows = list(_table(table))
    every = {answer for _, answers in rows for answer in answers}
    for asked, right in rows:
        rivals = frozenset(every - set(right) - {asked})
        yield Question(template.format(asked), kind, language, right, rivals)


def _numbered(template: str, kind: str, table: str, language: str = "en") -> Iterator[Question]:
    for asked, right in _table(table):
        yield Question(template.format(asked), kind, language, right, None)


def _calculated(templates: Mapping[str, str], count: int, language: str) -> Iterator[Question]:
    """Sums, differences and products whose answers no operand gives away."""
    drawn, found = random.Random(f"questions {language}"), set[str]()
    while len(found) < count:
        sign = drawn.choice(sorted(templates))
        most = 9 if sign == "*" else 30
        a, b = sorted((drawn.randint(2, most), drawn.randint(2, most)), reverse=True)
        value = {"+": a + b, "-": a - b, "*": a * b}[sign]
        prompt = templates[sign].format(a, b)
        if value not in (a, b, 0) and prompt not in found:
            found.add(prompt)
            yield Question(prompt, "sum", language, (str(value),), None)


def _following(template: str, kind: str, names: Sequence[str]) -> Iterator[Question]:
    for at, name in enumerate(names):
        right = names[(at + 1) % len(names)]
        yield Question(template.format(name), kind, "en", (right,), frozenset(names) - {right})


def _chinese_months() -> Iterator[Question]:
    for month in range(2, 12, 2):
        yield Question(f"{month}月的下一个月是几月？", "month", "zh", (str(month + 1),), None)


@functools.cache
def questions() -> tuple[Question, ...]:
    """All of them, in a fixed order that mixes kinds and languages."""
    english = {"+": "What is {} + {}?", "-": "What is {} - {}?", "*": "What is {} times {}?"}
    chinese = {"+": "{} + {} 等于几？", "-": "{} - {} 等于几？", "*": "{} 乘以 {} 等于几？"}
    found = [
        *_asked("What is the capital of {}?", "capital", CAPITALS),
        *_asked("What is the chemical symbol for {}?", "symbol", SYMBOLS),
        *_asked("What is the opposite of {}?", "opposite", OPPOSITES),
        *_asked("What is the plural of {}?", "plural", PLURALS),
        *_asked("What is a baby {} called?", "young", YOUNG),
        *_asked("What is the past tense of {}?", "past", PAST),
        *_asked("What colour is {}?", "colour", COLOURS),
        *_numbered("How many {}?", "unit", UNITS),
        *_following("Which month comes after {}?", "month", MONTHS),
        *_following("Which day comes after {}?", "day", DAYS),
        *_calculated(english, 32, "en"),
        *_asked("{}的首都是哪里？", "capital", CHINESE_CAPITALS, "zh"),
        *_asked("“{}”的反义词是什么？", "opposite", CHINESE_OPPOSITES, "zh"),
        *_asked("{}的化学符号是什么？", "symbol", CHINESE_SYMBOLS, "zh"),
        *_asked("{}是什么颜色的？", "colour", CHINESE_COLOURS, "zh"),
        *_numbered("{}？", "unit", CHINESE_UNITS, "zh"),
        *_chinese_months(),
        *_calculated(chinese, 20, "zh"),
    ]
    random.Random("order").shuffle(found)
    return tuple(found)
