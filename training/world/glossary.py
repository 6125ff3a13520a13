"""The few words the embedded models can define, in both languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One word in one language.

    Args:
        term: how it stands in a question, e.g. "a volcano".
        genus: what kind of thing it is; completes "A volcano is ...".
        detail: what sets it apart; follows the genus.
        extra: a second sentence.
        keys: one word of the genus and one of the detail that a definition has to contain. The
            keys of all entries of one language are disjoint.
    """

    term: str
    genus: str
    detail: str
    extra: str
    keys: tuple[str, str]


ENGLISH = (
    Entry("a volcano", "a mountain", "that can throw out melted rock",
          "It may sleep for hundreds of years.", ("mountain", "melted rock")),
    Entry("a desert", "a wide area", "where almost no rain falls",
          "Few plants grow there.", ("wide area", "almost no rain")),
    Entry("a library", "a building", "where people borrow books",
          "It should be quiet inside.", ("building", "borrow books")),
    Entry("a compass", "an instrument", "that shows where north is",
          "Travellers carry it with them.", ("instrument", "north")),
    Entry("a whale", "a huge sea animal", "that breathes air",
          "It comes up from time to time.", ("sea animal", "breathes air")),
    Entry("a bee", "an insect", "that collects nectar",
          "It lives with many others.", ("insect", "nectar")),
    Entry("a poem", "a short text", "that plays with sound and rhythm",
          "It can be read aloud.", ("short text", "rhythm")),
    Entry("ice", "a solid form of water", "that appears when it is very cold",
          "It floats in a glass.", ("form of water", "very cold")),
    Entry("a bridge", "a structure", "that leads over a valley",
          "Cars and people cross it.", ("structure", "valley")),
    Entry("a clock", "a device", "that tells the time",
          "It often hangs on a wall.", ("device", "the time")),
    Entry("gravity", "a force", "that pulls things down",
          "It keeps our feet on the ground.", ("force", "pulls things")),
    Entry("a vaccine", "a medicine", "that prevents a disease",
          "Most people get it as children.", ("medicine", "prevents")),
)  # fmt: skip
CHINESE = (
    Entry("火山", "一种山", "能喷出炽热的岩浆", "它可能沉睡几百年。", ("山", "岩浆")),
    Entry("沙漠", "一片广阔的地区", "几乎不下雨", "那里很少有植物。", ("地区", "不下雨")),
    Entry("图书馆", "一座建筑", "供人们借书", "里面应当保持安静。", ("建筑", "借书")),
    Entry("指南针", "一种仪器", "能指出北方", "旅行的人常带着它。", ("仪器", "北方")),
    Entry("鲸鱼", "一种巨大的海洋动物", "用肺呼吸", "它不时浮上来。", ("海洋动物", "肺")),
    Entry("蜜蜂", "一种昆虫", "会采集花蜜", "它和许多同伴住在一起。", ("昆虫", "花蜜")),
    Entry("诗歌", "一种短小的文字", "讲究声音和节奏", "它可以大声朗读。", ("文字", "节奏")),
    Entry("冰", "固态的水", "在很冷的时候出现", "它会浮在杯子里。", ("固态", "很冷")),
    Entry("桥", "一种结构", "用来跨过山谷", "车和人从上面走过。", ("结构", "跨过")),
    Entry("时钟", "一种装置", "用来显示时间", "它常常挂在墙上。", ("装置", "时间")),
    Entry("重力", "一种力", "会把东西往下拉", "它让我们站在地上。", ("种力", "往下拉")),
    Entry("疫苗", "一种药物", "能预防疾病", "多数人小时候就接种它。", ("药物", "预防")),
)  # fmt: skip
