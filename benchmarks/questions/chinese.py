"""Questions in Chinese."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.questions.question import Question, asked, calculated, numbered

EXAMPLES = (
    ("冰岛的首都是哪里？", "雷克雅未克"),
    ("1 + 1 等于几？", "2"),
    ("“大”的反义词是什么？", "小"),
)
CAPITALS = """中国 北京|法国 巴黎|日本 东京|德国 柏林|英国 伦敦|意大利 罗马|西班牙 马德里
俄罗斯 莫斯科|美国 华盛顿|加拿大 渥太华|韩国 首尔|泰国 曼谷|埃及 开罗|希腊 雅典|印度 新德里
澳大利亚 堪培拉"""
OPPOSITES = """白天 夜晚=黑夜=晚上|开始 结束|朋友 敌人|黑暗 光明|寒冷 炎热=温暖|简单 复杂
增加 减少|成功 失败|安全 危险|过去 未来=将来|快乐 悲伤=痛苦|前进 后退"""
SYMBOLS = "氧 O|氢 H|碳 C|铁 Fe|金 Au|银 Ag|铜 Cu|钠 Na|钙 Ca|氮 N"
COLOURS = "雪 白色=白的|煤 黑色=黑的|草 绿色=绿的|香蕉 黄色=黄的|天空 蓝色=蓝的|血 红色=红的"
UNITS = """一天有多少小时 24|一小时有多少分钟 60|一分钟有多少秒 60|一年有几个月 12
一个星期有几天 7|一米等于多少厘米 100|一千克等于多少克 1000|三角形有几条边 3"""
SUMS = {"+": "{} + {} 等于几？", "-": "{} - {} 等于几？", "*": "{} 乘以 {} 等于几？"}


def chinese() -> Iterator[Question]:
    """Capitals, words, symbols, units, months and sums."""
    yield from asked("{}的首都是哪里？", "capital", CAPITALS, "zh")
    yield from asked("“{}”的反义词是什么？", "opposite", OPPOSITES, "zh")
    yield from asked("{}的化学符号是什么？", "symbol", SYMBOLS, "zh")
    yield from asked("{}是什么颜色的？", "colour", COLOURS, "zh")
    yield from numbered("{}？", "unit", UNITS, "zh")
    for month in range(2, 12, 2):
        yield Question(f"{month}月的下一个月是几月？", "month", "zh", (str(month + 1),), None)
    yield from calculated(SUMS, 20, "zh")
