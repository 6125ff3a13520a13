"""Naming a few members of a category."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from training.world.task import Language, Task

LARGEST_COUNT = 4

# (English plural, Chinese measure word and noun) -> members as (English, Chinese).
CATEGORIES: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("fruits", "水果"): (
        ("apples", "苹果"), ("pears", "梨"), ("bananas", "香蕉"), ("grapes", "葡萄"),
        ("cherries", "樱桃"), ("peaches", "桃子"), ("mangoes", "芒果"), ("lemons", "柠檬"),
    ),
    ("vegetables", "蔬菜"): (
        ("carrots", "胡萝卜"), ("onions", "洋葱"), ("potatoes", "土豆"), ("spinach", "菠菜"),
        ("cabbage", "白菜"), ("cucumbers", "黄瓜"), ("peppers", "辣椒"), ("celery", "芹菜"),
    ),
    ("animals", "动物"): (
        ("horses", "马"), ("tigers", "老虎"), ("elephants", "大象"), ("monkeys", "猴子"),
        ("wolves", "狼"), ("bears", "熊"), ("foxes", "狐狸"), ("camels", "骆驼"),
    ),
    ("musical instruments", "乐器"): (
        ("violins", "小提琴"), ("pianos", "钢琴"), ("flutes", "长笛"), ("drums", "鼓"),
        ("guitars", "吉他"), ("trumpets", "小号"), ("harps", "竖琴"), ("gongs", "锣"),
    ),
    ("vehicles", "交通工具"): (
        ("cars", "汽车"), ("trains", "火车"), ("ships", "轮船"), ("bicycles", "自行车"),
        ("buses", "公交车"), ("planes", "飞机"), ("trams", "电车"), ("taxis", "出租车"),
    ),
    ("tools", "工具"): (
        ("hammers", "锤子"), ("saws", "锯子"), ("pliers", "钳子"), ("shovels", "铲子"),
        ("drills", "电钻"), ("screwdrivers", "螺丝刀"), ("axes", "斧头"), ("rulers", "尺子"),
    ),
    ("air pollutants", "空气污染物"): (
        ("sulphur dioxide", "二氧化硫"), ("nitrogen oxides", "氮氧化物"), ("ozone", "臭氧"),
        ("carbon monoxide", "一氧化碳"), ("soot", "煤烟"), ("fine dust", "粉尘"),
        ("exhaust fumes", "汽车尾气"), ("ammonia", "氨气"),
    ),
    ("water pollutants", "水污染物"): (
        ("sewage", "生活污水"), ("oil spills", "油污"), ("pesticides", "农药"),
        ("detergents", "洗涤剂"), ("heavy metals", "重金属"), ("fertilisers", "化肥"),
        ("dyes", "染料"), ("plastic waste", "塑料垃圾"),
    ),
}  # fmt: skip
_COUNT = {"en": ("one", "two", "three", "four"), "zh": ("一", "两", "三", "四")}
_ASK = {
    "en": (
        "Name {n} {c}.",
        "List {n} {c}.",
        "Give me {n} examples of {c}.",
        "Can you name {n} {c}?",
        "Please list {n} {c}.",
        "What are {n} examples of {c}?",
    ),
    "zh": (
        "请列举{n}种{c}。",
        "请说出{n}种{c}。",
        "列出{n}种{c}。",
        "举出{n}种{c}的例子。",
        "你能说出{n}种{c}吗？",
        "告诉我{n}种{c}。",
    ),
}
_SAY = {
    "en": ("Examples of {c} are {list}.", "Here you go: {list}.", "You could name {list}."),
    "zh": ("{n}种{c}是{list}。", "例如{list}。", "{c}有{list}。"),
}


@dataclass(frozen=True, slots=True)
class ListTruth:
    """`count` different members of one category are asked for."""

    language: Language
    category: tuple[str, str]
    count: int

    def holds(self, text: str) -> bool:
        """Whether exactly `count` different members are named, each once, and no non-member."""
        side = 0 if self.language == "en" else 1
        lowered = text.lower().replace(self.category[side], " ")
        own, foreign = [], 0
        # Longest first, each taken out once counted: 汽车尾气 must not count as 汽车 too.
        entries = [(m[side], c) for c, members in CATEGORIES.items() for m in members]
        for name, category in sorted(entries, key=lambda entry: -len(entry[0])):
            pattern = _pattern(name) if side == 0 else re.escape(name)
            lowered, times = re.subn(pattern, " ", lowered)
            if category == self.category:
                own.append(times)
            else:
                foreign += times
        return not foreign and max(own) == 1 and sum(own) == self.count


def _pattern(plural: str) -> str:
    """Matches an English member as a whole word, in the plural or the singular."""
    return rf"\b{re.escape(plural.removesuffix('s'))}s?\b"


def sample(rng: random.Random, language: Language) -> Task:
    """A random task of this kind."""
    side = 0 if language == "en" else 1
    category = rng.choice(tuple(CATEGORIES))
    count = rng.randint(2 if language == "en" else 1, LARGEST_COUNT)
    words = {"n": _COUNT[language][count - 1], "c": category[side]}

    def phrase(template: str, members: list[str]) -> str:
        return template.format(**words, list=_series(language, members))

    def right() -> list[str]:
        return [member[side] for member in rng.sample(CATEGORIES[category], count)]

    say = list(_SAY[language])
    rng.shuffle(say)
    return Task(
        kind="listing",
        language=language,
        prompt=rng.choice(_ASK[language]).format(**words),
        answers=tuple(phrase(template, right()) for template in say),
        wrong_answers=tuple(
            phrase(template, _spoiled(rng, side, category, right())) for template in say
        ),
        truth=ListTruth(language, category, count),
    )


def _spoiled(
    rng: random.Random, side: int, category: tuple[str, str], members: list[str]
) -> list[str]:
    """The list with members of another category in it, or with one member twice or too many."""
    draw = rng.random()
    other = rng.choice([c for c in CATEGORIES if c != category])
    foreign = [member[side] for member in rng.sample(CATEGORIES[other], len(members))]
    if draw < 0.4:
        return foreign
    if draw < 0.8 or len(members) == 1:
        place = rng.randrange(len(members))
        return [*members[:place], foreign[place], *members[place + 1 :]]
    return [*members[:-1], members[0]]


def _series(language: str, members: list[str]) -> str:
    if language == "zh":
        return "、".join(members)
    if len(members) == 1:
        return members[0]
    return f"{', '.join(members[:-1])} and {members[-1]}"
