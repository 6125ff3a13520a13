"""Tests the ends that real answers have and 0.1 took for cuts, by kind, and cuts beside them."""

from __future__ import annotations

import pytest

from bestofn.core.types import Request
from bestofn.filters.truncation.filter import TruncationFilter
from tests.support.filter_checking import candidate, reason, rejection

FILTER = TruncationFilter()


@pytest.mark.parametrize(
    "text",
    [
        # hashtags, mentions and links
        "Join the workshop on Friday.\n\n#Pottery #Clay #Weekend",
        "Join the workshop on Friday and bring a friend #Pottery",
        "Thanks to everybody who came.\n\n@anna @bert",
        "The sources are these:\n- [A](http://a.example)\n- [B](http://b.example)",
        # quotations of other languages
        "Sie rief: „Der Zug kommt gleich.“",
        "Sie rief „Komm zurück“",
        "Zawołała: „Pociąg zaraz przyjedzie.”",
        "Hun råbte: »Toget kommer nu.«",
        "Hon ropade: ”Tåget kommer nu.”",
        "Elle a crié : « Le train arrive. »",
        "Elle a crié « Reviens »",
        "Das Wort »Haus« steht vor »Hof« - und danach nichts",
        "Das Feld »Name« muss ausgefüllt sein (oder »-« und »{« darin).",
        'Er nannte es „das Haus am Meer" und lachte.',
        # final answers
        "5 bags hold 5*12 = 60 apples\nShe eats 4 so 60-4 = 56 are left\nA: 56",
        "**Answer:** C. 3.5 km",
        "The options were weighed one by one.\n\nB",
        "Adding all of them up we see that the answer is \\boxed{12}",
        "The train therefore moves at a speed of 25 m/s",
        "したがって、合計は 1200 円です。\n答えは 1200",
        # brackets of mathematics
        "So we get sqrt(16 + 9) = sqrt(25)",
        "x = (y - 4) / 0.5",
        "It holds for all angles in [0, 2\\pi)",
        "Choose any number from (0, 1]",
        # signatures, titles, verse, stage directions
        "Thank you for the lovely evening.\n\nYours,\nMaria",
        "Thank you for the lovely evening.\n\n[Your Name]",
        "Patience is a garden.\n\n- Omar",
        '"Patience is a garden." - Omar the Gardener',
        '"A Winter Without Snow: Notes from the Valley"',
        "「雪のない冬：谷からの便り」",
        "They lived there ever after.\n\nTHE END",
        "And now the last card is yours.\n\n*bows and leaves the stage*",
        "Thank you.\n\nP.S. The dog sends its love",
        "\\[名前]さん、ありがとう。\n\n\\[あなたの名前]",
        # fences
        "```python\nprint(1)\n``` This prints one.",
        "Run it like this: ```ls -la```",
        "def f(x):\n    return x\n```",
        "~~~~~~~~~~~~\n~ waves ~\n~~~~~~~~~~~~",
        "````markdown\n```sh\nls\n```\n````",
        # program text
        "def half(n, p):\n    return half(n // 2, p)",
        'services:\n  db:\n    image: postgres\n    ports:\n      - "5432:5432"',
        'cache.put("size", "42")',
        # prose behind formulas
        "g(3) = 3(3)^2 - 3 + 1\n\ng(3) = 27 - 2\n\nTherefore, the value of g(3) is 25.",
        "The chance of the complement is P(B') and it equals one minus P(B).",
        # other scripts
        "Ποια είναι η αγαπημένη σας πόλη στην Ελλάδα;",
        "Երևանը Հայաստանի մայրաքաղաքն է:",
        "मुझे यह पुस्तक बहुत पसंद है।",
        "I would choose the door with the number 2️⃣",
        # manual pages: names over lines, references
        "The options are these:\n\nbackground, class, colormap,\nvisual, width",
        "The file holds the scripts of that program.\n\nchat(8), uucp(1)",
        "The number that is left is:\n\n1.",
        # letters in scripts without capitals, their names and titles
        "田中様\n\nお世話になっております。\n先日はありがとうございました。\n\n"
        "よろしくお願いいたします。\n\n株式会社見本\n営業部 鈴木一郎",
        "안녕하세요, 박 과장님.\n\n회의 자료를 첨부합니다.\n\n감사합니다.\n김민수 드림",
        "السيد أحمد المحترم،\n\nسأحضر في الموعد.\n\nمع أطيب التحيات،\nسارة الخطيب",
        "प्रिय महोदय,\n\nमुझे कल की छुट्टी चाहिए।\n\nसादर,\nराहुल शर्मा",
        "おばあちゃんへ\n\nお元気ですか。夏に行きます。\n\nゆうたより",
        # dialogues, notes, references, posts that end in a mention
        "A「明日、映画に行かない？」\nB「いいね、何時？」\nA「7時に駅で」",
        "**Ana:** ¿Cómo empezó?\n**Eva:** Por azar\n**Ana:** ¿Y ahora?\n**Eva:** Ahora no paro",
        "The treaty was signed in 1648.[^1]\n\n[^1]: Peace of Westphalia, in two towns",
        "Vogel, A., Stein, N., et al. (2017). A study of small lakes. *Water and Land, 30*",
        "1. Vogel, D. E. (1997). The lakes of the north. Hill Press\n"
        "2. Stein, R. & Baum, K. (2011). Lakes. Valley Press",
        "Big thanks to everybody who helped with this, most of all @anna_b and @carlos.dev",
        "I. Einleitung\nII. Hauptteil\nIII. Schluss",
        # talk about reasoning tags
        "Such models write `<think>` first.",
        "The block opens with <think> and ends with </think>, as the card says.",
        "```\n<think>\n```",
    ],
)
def test_whole_answers_are_kept(text: str) -> None:
    assert rejection(FILTER, text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sie rief: „Der Zug kommt", "unclosed_quote"),
        ("Hun råbte: »Toget kommer", "unclosed_quote"),
        ("Elle a crié : « Le train", "unclosed_quote"),
        ("So we get sqrt(16 + 9", "unclosed_bracket"),
        ("It holds for all angles in [0, 2", "unclosed_bracket"),
        ("```python\nprint(1)\n```\n\n```python\nprint(", "unclosed_fence"),
        ("<thought>\nFirst I look at", "unclosed_think"),
        ("[THINK]First I look at", "unclosed_think"),
        ("<|channel|>analysis<|message|>First I look at", "unclosed_think"),
        ("A;1;x\nB;2;y\nC;3;z\nD;4", "cut_row"),
        ("It is warm today. It was cold yesterday. It may be", "open_end"),
        ("Join the workshop. It begins on Friday. Bring your", "open_end"),
        ("Files: a.py\nAuthor: Anna\n\nFiles: b.py\nAuthor", "open_end"),
        ("It keeps the licence. It keeps the names and this", "open_end"),
        ("There are several ways to get from here to the station:\n\n1.", "open_end"),
        (
            "该程序从文件读取数据。\n\n它不改变输入文件。\n\n错误写入日志。之后程序结束并返回",
            "no_sentence_end",
        ),
    ],
)
def test_cuts_of_the_same_kinds_are_found(text: str, expected: str) -> None:
    assert reason(FILTER, text) == expected


def test_a_field_that_is_null_switches_nothing_off() -> None:
    for options in ({"guided_json": None}, {"structured_outputs": None}, {"stop": None}):
        request = Request.from_prompt("x", options=options)
        assert FILTER.check(request, candidate("It is cold and the")) is not None


def test_a_chat_token_at_the_end_hides_no_end() -> None:
    assert reason(FILTER, "```json\n[1]\n```<|im_end|>") is None
    assert reason(FILTER, "It is fine.<|eot_id|>\n") is None
    assert reason(FILTER, "It is small. It is cold and the<|im_end|>") == "open_end"


@pytest.mark.parametrize(
    "text",
    [
        # a mention that ends a sentence, dotted names, values of calls, code
        "It wraps the decorator with another one that it is given, and then the\n"
        "function in @no_type_check.",
        "It opens the file. It does the same as archive.reader.next",
        "It opens the file. It does the same as archive.read_all",
        "- *args: positional arguments\n- **kwargs: keyword arguments",
        "A pointer to a pointer is declared so: char **argv",
        "Look at [our page](https://x.com/a).\n\nBest regards,\n[Your Name]",
        "It has [many](a.md) inhabitants [citation needed]",
        "Which pronoun replaces the subject of the sentence?\n\nShe",
        "Which is right?\na) It is red.\nb) It is blue.\n\nb",
        "The sum of 1 and 2 is the following.\n\n3",
        "I wish you all the best for the coming year.\n\nYour Support Team",
        "Here is a title for your poem, as you asked.\n\nWhen Autumn Comes",
        "Keep going, whatever they say.\n\n-- Carry on",
        "It reads all keys. That is the default.\n\nbox.keys() -> a view of the keys of the box",
        "It runs when the page has loaded. It calls this: (function(){load(7)}(window));",
        # pages of a manual, a line of dots
        "The page holds it.\n\nIt was written in May.\n\nsee also chown(1), chmod(2)",
        "It is used so.\n\nUsage:\n\n    class Box(metaclass=Base):\n"
        "        def open(self, a, b):\n            ...",
        # columns of names and what they mean
        "A box has these fields. They are read only.\n\n"
        "width     the width of the box in pixels\n"
        "height    the height of the box in pixels\n"
        "colour    the colour in which it is drawn",
        # a poem's author
        "《春望》\n作者：杜甫",
    ],
)
def test_names_tables_and_references_need_no_stop(text: str) -> None:
    assert rejection(FILTER, text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # what a sentence begins with is no name
        (
            "It is sold as it is.\n\nIT COMES WITHOUT A PROMISE OF ANY KIND, NOT\nEVEN",
            "no_sentence_end",
        ),
        ("It works on every system.\n\nHowever", "open_end"),
        ("Be brave and come along with me today, if it is\na", "open_end"),
        ("It was said long ago.\n\n-- Anna in", "open_end"),
        # one line is no poem
        ("《春望》\n作者：杜甫\n国破山", "no_sentence_end"),
        # words in angle brackets are no comparison
        ("先要检查。它会在屏幕上打印出<file>的签", "no_sentence_end"),
        # the next marker, or line, begun
        ("To cook it:\na) Put it into the pot.\nb", "open_end"),
        ("To cook it:\n1. Put it into the pot.\n2. Stir.\n3", "open_end"),
        ("In a world of snow,\nWhere the winter winds do blow,\nT", "open_end"),
        # bold type, half a link
        ("1. **The price is low.**\n2. **The way is sho", "unclosed_code"),
        ("It is in [the guide](a.md) and [the other", "unclosed_bracket"),
        ("See [the guide](a.md)\n[the other one]", "unclosed_bracket"),
    ],
)
def test_cuts_that_looked_whole_are_found(text: str, expected: str) -> None:
    assert reason(FILTER, text) == expected


def test_a_full_stop_in_code_is_no_operator() -> None:
    code = "def f(x):\n    return x[:-1]  # Remove the last one."
    assert rejection(FILTER, code) is None
    assert reason(FILTER, "def f(self):\n    return self.") == "open_end"


def test_a_word_that_goes_on_with_a_sentence_is_no_label() -> None:
    text = "Raises:\n    code: Where it is neither a short nor a long\n"
    no_ends = TruncationFilter(without="no_sentence_end")
    assert reason(no_ends, f"{text}    code") == "open_end"
    assert rejection(no_ends, f"{text}      code") is None
