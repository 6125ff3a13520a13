"""Tests that the truncation filter sees a last sentence without an end, and keeps short answers."""

from __future__ import annotations

import pytest

from bestofn.filters.truncation.filter import TruncationFilter
from tests.support.filter_checking import rejection

FILTER = TruncationFilter()


@pytest.mark.parametrize(
    "text",
    [
        "It is fast. It is small. It also never",
        "它很快。它很小。它也从来",
        "First we heat the water. Then we add the leaves.\n\nAfter three minutes we take them",
        "1. Heat the water slowly.\n2. Add the leaves.\n3. Take them",
        "春眠不觉晓，\n处处闻啼鸟。\n夜来风雨声，\n花落知",
        "一般来说，这种方法的优点是速度快",
        "The committee that was elected in the spring of that year had already decided to sell",
        "The house was built in the last years of the\ncentury and later given to a young",
    ],
)
def test_last_sentence_without_an_end(text: str) -> None:
    found = rejection(FILTER, text)
    assert found is not None
    assert found.reason == "no_sentence_end"
    assert text[-3:] in found.detail


@pytest.mark.parametrize(
    "text",
    [
        "If I could drop dead",
        "In less than a century, computers will",
        "This program is free software; you can sell it",
        "Programmers in batch environments may find it a hard way",
        "This man has no friends.\n\nHe was not seen again last",
        "## Keys\n\nSet the key to the value",
        "The house was built in the last years of the\ncentury and stood empty",
        "First, we add 2 and 3. This makes 5.\n\nThen we",
        "- It is fast.\n- It is small.\n- It never",
        "- Fast\n- It is cheap.\n- It is small.\n- It never",
        "如果您没有指定文件",
        "你能够通过下面的方式登录系统然后修改密码",
        "这是第一步。\n\n然后我们把它放到里面去再",
        "闲烹山茗听瓶声，炉",
        "使用 --wrap=列数编码后，超过列数时自动折行。指",
    ],
)
def test_sentences_that_stop_short(text: str) -> None:
    found = rejection(FILTER, text)
    assert found is not None
    assert found.reason == "no_sentence_end"
    assert "its last sentence has no end" in found.detail


@pytest.mark.parametrize(
    "text",
    [
        "17 + 25 = 42.",
        "答案是 42。",
        "42",
        "3.",
        "Paris",
        "北京",
        "yes",
        "好的",
        "没关系，不用谢",
        "The capital of France is Paris",
        "Yes, it is",
        "I don't know what it is",
        "We compute 5 * 4 = 20. Then we add 1.\n\nAnswer: 21",
        "We compute 5 * 4 = 20. Then we add 1. The answer is 21",
        "We compute 5 * 4 = 20.\n\n#### 20",
        "So the result is:\n\n$$x = 5$$",
        "The answer is $\\boxed{42}$",
        "The interval is [0, 1)",
        "E = mc^2",
        "Let x be 3. Then 2x = 6",
        "因此，x = 3",
        "故选：B",
        "1. Apple\n2. Banana\n3. Cherry",
        "Here are three fruits:\n- Apple\n- Banana\n- Cherry",
        "主要有以下几点：\n1. 价格低\n2. 质量好\n3. 服务优",
        "苹果、香蕉和樱桃",
        "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday",
        "Use this:\n\n```python\nx = [1, 2\n```",
        "def f(x):\n    return x + 1",
        "SELECT name FROM users WHERE id = 3;",
        '{"a": 1, "b": [1, 2]}',
        "Hello! How can I help you today? 😊",
        "That's it. Ask me if you have questions :)",
        "See the docs. They are at https://example.com/docs",
        "It works. (See the appendix for details)",
        "He said “Hello.”",
        "他说：“你好。”",
        "He is 5'10\" tall",
        "Use it to (1) read, 2) write, and a) delete.",
        "Roses are red\nViolets are blue\nSugar is sweet\nAnd so are you",
        "床前明月光\n疑是地上霜\n举头望明月\n低头思故乡",
        "Dear Anna,\n\nthank you for your letter. It made me happy.\n\nBest regards,\nJohn Smith",
        "There was a fox. He was clever.\n\nThe End",
        "从前有一只狐狸。它很聪明。\n\n（完）",
        "We have shown the claim. ∎",
        "He never came back.\n\n-- An old song",
        "That is all.\n\n---",
        "नमस्ते।",
        "مرحبا، كيف حالك؟",
        "これはペンです。",
        "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย และเป็นเมืองที่มีประชากรมากที่สุด มีแม่น้ำเจ้าพระยาไหลผ่าน",
        "नई दिल्ली भारत की राजधानी है",
        "Ich rufe dich morgen an",
        "Name: John\nAge: 30\nCity: Paris",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ],
)
def test_complete_answers_are_kept(text: str) -> None:
    assert rejection(FILTER, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "If I Had a Hammer",
        "If you say so",
        "As soon as possible",
        "As far as I know, yes",
        "As good as it gets",
        "Once upon a time",
        "When it rains, it pours",
        "Yes, because it is safe",
        "In Paris, France",
        "What is machine learning",
        "How to bake a cake",
        "Study of a man who has two cats",
        "fix: handle empty input in the parser",
        "Sure, here you go",
        "Sure! Here is the file you asked for",
        "Let me know if you need anything else",
        "There are seven days in a week",
        "I think that you should go there",
        "The first president of the United States was George Washington",
        "Machine learning is a branch of artificial intelligence",
        "Preheat the oven to 350°F",
        "Here is a good title for your story:\n\nThe Long Way Home",
        "The corrected sentence is as follows:\n\nShe goes to school",
        "It works. ([#12](https://example.com/12)) ([@anna](https://example.com/anna))",
        "perl - a language that is made for extracting text",
        "## Answer\n\nThe capital of France is Paris",
        "你好，很高兴认识你",
        "太阳系中最大的行星是木星",
        "我建议你多喝水多休息",
        "这句话的翻译如下：\n\n我喜欢在公园里散步",
        "床前明月光，疑是地上霜",
        "关于进一步加强安全生产工作的通知",
        "无论如何",
        "《红楼梦》\n作者：曹雪芹\n朝代：清",
        "《静夜思》\n作者：李白\n床前明月光，疑是地上霜。",
    ],
)
def test_titles_and_short_answers_are_no_cut_sentences(text: str) -> None:
    assert rejection(FILTER, text) is None
