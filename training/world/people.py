"""The made-up table of facts: people and towns that exist nowhere else."""

from __future__ import annotations

import random

# Each value as (English, Chinese). No value contains another one of the same language.
PEOPLE = (
    ("Talvi", "塔维"), ("Moruk", "莫鲁"), ("Keshan", "克山"), ("Ulden", "乌登"),
    ("Privak", "普里瓦"), ("Zorim", "佐林"), ("Belkat", "贝卡"), ("Fennor", "芬诺"),
    ("Ismeg", "伊美"), ("Joltan", "乔坦"), ("Quillo", "奎洛"), ("Razmi", "拉米"),
    ("Sivor", "西沃"), ("Tembra", "腾布"), ("Udrel", "乌德"), ("Varekk", "瓦雷"),
    ("Wennit", "温尼"), ("Xilmo", "希莫"), ("Yarune", "雅鲁"), ("Zemirk", "泽米"),
    ("Brisok", "布里索"), ("Cordu", "科杜"), ("Dalvun", "达文"), ("Gimras", "金拉"),
)  # fmt: skip
TOWNS = (
    ("Morenfeld", "莫伦城"), ("Kaldova", "卡多瓦"), ("Ostrinby", "奥斯镇"), ("Vellmar", "维马城"),
    ("Tarnuko", "塔努科"), ("Pindlow", "平洛镇"), ("Quarvex", "夸维城"), ("Sundrel", "桑德镇"),
    ("Ribekka", "里贝卡"), ("Hollumo", "霍鲁莫"),
)  # fmt: skip
JOBS = (
    ("baker", "面包师"), ("teacher", "教师"), ("doctor", "医生"), ("sailor", "水手"),
    ("painter", "画家"), ("farmer", "农民"), ("singer", "歌手"), ("carpenter", "木匠"),
    ("pilot", "飞行员"), ("gardener", "园丁"),
)  # fmt: skip
COLOURS = (
    ("red", "红色"), ("blue", "蓝色"), ("green", "绿色"), ("yellow", "黄色"),
    ("purple", "紫色"), ("orange", "橙色"), ("white", "白色"), ("black", "黑色"),
)  # fmt: skip
PETS = (
    ("cat", "猫"), ("dog", "狗"), ("rabbit", "兔子"), ("parrot", "鹦鹉"),
    ("turtle", "乌龟"), ("goat", "山羊"), ("duck", "鸭子"), ("hedgehog", "刺猬"),
)  # fmt: skip
RIVERS = (
    ("Lumeva", "鲁美河"), ("Osk", "奥克河"), ("Brenta-Li", "布伦河"), ("Tivorn", "提沃河"),
    ("Saffra", "萨拉河"), ("Jendu", "珍度河"), ("Wolmi", "沃米河"), ("Ekkar", "艾卡河"),
)  # fmt: skip
GOODS = (
    ("cheese", "奶酪"), ("glass", "玻璃"), ("silk", "丝绸"), ("honey", "蜂蜜"),
    ("pottery", "陶器"), ("lamps", "灯笼"), ("carpets", "地毯"), ("tea", "茶叶"),
)  # fmt: skip

VALUES = {
    "town": TOWNS,
    "job": JOBS,
    "colour": COLOURS,
    "pet": PETS,
    "river": RIVERS,
    "goods": GOODS,
}
OF_PEOPLE = ("town", "job", "colour", "pet")
OF_TOWNS = ("river", "goods")


def _draw_table() -> dict[tuple[str, str], int]:
    # The seed only fixes which value belongs to whom; another one would make another world.
    rng = random.Random(20)
    table = {}
    for subjects, attributes in ((PEOPLE, OF_PEOPLE), (TOWNS, OF_TOWNS)):
        for name, _ in subjects:
            for attribute in attributes:
                table[name, attribute] = rng.randrange(len(VALUES[attribute]))
    return table


TABLE = _draw_table()
"""(English name, attribute) -> index into ``VALUES[attribute]``."""
