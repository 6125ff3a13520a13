"""Tests run apart from the program: what is right passes, and what only cheats does not."""

# ruff: noqa: E501  (programs are longer than lines)

from __future__ import annotations

import pytest

from bestofn.rewards.verifiers.sandbox.forms import Form
from bestofn.rewards.verifiers.sandbox.job import Limits
from tests.support.rewards.sandboxed import passes, run

pytestmark = pytest.mark.model

ADD = "assert add(1, 2) == 3\nassert abs(add(0.5, 0.25) - 0.75) < 1e-6\n"

ALIKE = (
    "class Alike:\n"
    "    def _true(self, *_): return True\n"
    "    def _self(self, *_): return self\n"
    "    def _zero(self, *_): return 0\n"
    "    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = _true\n"
    "    __ne__ = lambda self, _: False\n"
    "    __hash__ = _zero\n"
    "    startswith = endswith = issubset = _true\n"
)

CHEATS = {
    "an empty compile": "import builtins\nbuiltins.compile = lambda *a, **k: ''",
    "an empty exec": "import builtins\nbuiltins.exec = lambda *a, **k: None",
    "equal to all": f"{ALIKE}def add(*_): return Alike()",
    "equal to all, as a class": f"{ALIKE}class add(Alike):\n    def __init__(self, *_): pass",
    "no difference": f"{ALIKE}    __sub__ = __rsub__ = __abs__ = _zero\ndef add(*_): return Alike()",
    "a difference that is one itself": (
        f"{ALIKE}    __sub__ = _self\n    __abs__ = __round__ = __float__ = _zero\n"
        "def add(*_): return Alike()"
    ),
    "a text equal to all": (
        "class T(str):\n    __eq__ = lambda *_: True\n    __hash__ = None\ndef add(*_): return T()"
    ),
    "a number equal to all": (
        "class N(int):\n    __eq__ = __lt__ = lambda *_: True\n    __sub__ = lambda *_: 0\n"
        "def add(*_): return N()"
    ),
    "a list equal to all": "class L(list):\n    __eq__ = lambda *_: True\ndef add(*_): return L()",
    "exits": "import sys\nsys.exit(0)",
    "exits when asked": "import sys\ndef add(*_): sys.exit(0)",
    "ends": "import os\nos._exit(0)",
    "ends when asked": "import os\ndef add(*_): os._exit(0)",
    "ends at exit": "import atexit, os\natexit.register(os._exit, 0)\nraise SystemExit",
    "prints what passes": "print('passed', flush=True)\nimport os\nos.write(1, b'passed')",
    "says it to every descriptor": (
        "import os\nfor n in range(64):\n    try:\n        os.write(n, b'passed')\n"
        "    except OSError:\n        pass"
    ),
    "reports for its supervisor": (
        "import json, os\nfor n in range(64):\n    try:\n"
        "        os.write(n, json.dumps({'ended': 'exit', 'status': 0, 'passed': True, 'output': '',"
        " 'said': ''}).encode() + b'\\n')\n    except OSError:\n        pass\nos._exit(0)"
    ),
    "no assertions": "import builtins\nclass E(BaseException): pass\nbuiltins.AssertionError = E",
    "its own abs and all": "def abs(_): return 0\ndef all(_): return True\ndef add(*_): return 3",
    "traces": (
        "import sys\ndef trace(frame, *_):\n    frame.f_trace_lines = False\n"
        "    return trace\nsys.settrace(trace)\ndef add(*_): return 0"
    ),
    "reads the tests in its frames": (
        "import sys, re\n"
        "def add(a, b):\n"
        "    frame = sys._getframe()\n"
        "    while frame:\n"
        "        found = re.search(r'add\\(1, 2\\) == (\\d)', str(frame.f_locals))\n"
        "        if found: return int(found[1])\n"
        "        frame = frame.f_back\n"
    ),
    "reads the tests in its memory": (
        "import re\n"
        "def add(a, b):\n"
        "    part = b'assert add(' + b'1, 2) == '\n"
        "    for line in open('/proc/self/maps'):\n"
        "        low, high = (int(n, 16) for n in line.split()[0].split('-'))\n"
        "        if ' rw' in line:\n"
        "            with open('/proc/self/mem', 'rb', 0) as memory:\n"
        "                try:\n"
        "                    memory.seek(low)\n"
        "                    text = memory.read(high - low)\n"
        "                except OSError:\n"
        "                    continue\n"
        "            at = text.find(part)\n"
        "            if at >= 0: return int(text[at + len(part):at + len(part) + 1])\n"
    ),
    "asks for what tests hold": (
        "import gc\n"
        "def add(*_):\n"
        "    return next((o for o in gc.get_objects() if type(o) is int and o == 3), 0)"
    ),
    "a patched json": (
        'import json\njson.dumps = lambda *_, **__: \'{"is": true, "changed": []}\'\n'
        "def add(*_): return 1"
    ),
    "kills its tests": (
        "import os, signal\ndef add(*_):\n    for n in os.listdir('/proc'):\n"
        "        if n.isdigit() and int(n) not in (1, os.getpid(), os.getppid()):\n"
        "            try:\n                os.kill(int(n), signal.SIGKILL)\n"
        "            except OSError:\n                pass"
    ),
}


@pytest.mark.parametrize("cheat", CHEATS)
async def test_a_cheat_does_not_pass(form: Form, cheat: str) -> None:
    if form == "unsafe" and cheat == "kills its tests":
        pytest.skip("without walls it might find processes of others")
    assert not await passes(CHEATS[cheat], ADD, form, limits=Limits(seconds=3))


@pytest.mark.parametrize(
    ("cheat", "test"),
    [
        ("def f(_): return Alike()", "assert 3 in f(1)"),
        ("def f(_): return Alike()", "assert f(1).startswith('abc')"),
        ("def f(_): return Alike()", "assert f(1) > 2"),
        ("def f(_): return Alike()", "assert [f(1)] == [[2]]"),
        ("def f(_): return {Alike(): 1}", "assert f(1) == {3: 1}"),
        ("def f(_): return Alike()", "import math\nassert math.isclose(f(1), 2)"),
        ("def f(_): raise AssertionError", "try:\n    f(1)\nexcept ValueError:\n    pass"),
        ("def f(_): return 1", "assert f(1) == 2"),
        ("class math:\n    isclose = lambda *_: True\ndef f(_): return 0", "assert math.isclose(f(1), 2)"),
        ("def set(_): return 3\ndef f(_): return 3", "assert f(1) == set([1, 2])"),
        ("f = print", "assert f(1) == 1"),
        ("f = 5", "assert f == 6"),
    ],
)  # fmt: skip
async def test_no_overloading_decides_for_a_test(cheat: str, test: str, unsafe: Form) -> None:
    assert not await passes(ALIKE + cheat, test, unsafe)


@pytest.fixture
def unsafe() -> Form:
    """The one that is always there: what it shows holds behind walls too."""
    return "unsafe"


HONEST = {
    "a check": (
        "def add(a, b): return a + b",
        "def check(candidate):\n    assert candidate(4, 1) == 5\ncheck(add)",
    ),
    "no test of it": ("x = 1", "assert True"),
    "all of Python's types": (
        "def same(x): return x",
        "import datetime as d, decimal, fractions, collections\n"
        "for x in (None, True, 1, 10**5000, -1.5, float('inf'), 1j, 'é\\ud800', b'\\x00', [1, [2]],\n"
        "          (1, (2,)), {1, 2}, frozenset({1}), {(1, 2): [3]}, range(3), bytearray(b'x'),\n"
        "          decimal.Decimal('1.10'), fractions.Fraction(2, 6), d.date(2020, 2, 29),\n"
        "          d.datetime(2020, 1, 1, 2, 3, 4, 5, d.timezone.utc), d.time(1), d.timedelta(3),\n"
        "          collections.deque([1], 3), int, len):\n"
        "    assert same(x) == x and type(same(x)) is type(x), x\n"
        "assert same(float('nan')) != same(float('nan'))",
    ),
    "kinds of dict, and named tuples": (
        "from collections import *\nP = namedtuple('P', 'x y')\n"
        "def f(): return Counter('aab'), OrderedDict(a=1), defaultdict(int, b=2), P(1, 2)",
        "assert f() == ({'a': 2, 'b': 1}, {'a': 1}, {'b': 2}, (1, 2))\nassert f()[3].y == 2",
    ),
    "changes in place": (
        "def f(a, d, s, grid):\n    a.sort(); d['x'] = 1; s.add(3); grid[0][1] = 7; a.append(9)",
        "a, d, s, g = [3, 1, 2], {}, {1}, [[0, 0], [0]]\nrow = g[0]\nassert f(a, d, s, g) is None\n"
        "assert (a, d, s, g) == ([1, 2, 3, 9], {'x': 1}, {1, 3}, [[0, 7], [0]]) and row is g[0]",
    ),
    "a class": (
        "class Stack:\n    def __init__(self): self.items = []\n"
        "    def push(self, x): self.items.append(x)\n    def pop(self): return self.items.pop()\n"
        "    def __len__(self): return len(self.items)\n"
        "    def __contains__(self, x): return x in self.items",
        "s = Stack()\ns.push(1); s.push([2])\nassert len(s) == 2 and s.items == [1, [2]]\n"
        "assert 1 in s and 5 not in s and isinstance(s, Stack) and s.pop() == [2]\n"
        "s.items = [4]\nassert s.pop() == 4 and not s",
    ),
    "objects equal by what they hold": (
        "from dataclasses import dataclass\n@dataclass(order=True)\nclass V:\n    x: int\n    y: int\n"
        "    def __add__(self, o): return V(self.x + o.x, self.y + o.y)\n"
        "    def __mul__(self, k): return V(self.x * k, self.y * k)\n"
        "    def __abs__(self): return (self.x ** 2 + self.y ** 2) ** 0.5",
        "assert V(1, 2) + V(3, 4) == V(4, 6) and V(1, 2) != V(2, 1) and V(1, 2) * 2 == V(2, 4)\n"
        "assert V(1, 2) < V(1, 3) and abs(V(3, 4)) == 5 and sorted([V(2, 1), V(1, 1)])[0].x == 1\n"
        "assert repr(V(1, 2)) == 'V(x=1, y=2)' and [V(1, 1)] == [V(1, 1)]",
    ),
    "nodes that hold nodes": (
        "class Node:\n    def __init__(self, val, next=None): self.val, self.next = val, next\n"
        "def flip(n):\n    last = None\n    while n: n.next, last, n = last, n, n.next\n    return last",
        "n = flip(Node(1, Node(2, Node(3))))\nassert [n.val, n.next.val, n.next.next.val] == [3, 2, 1]\n"
        "assert n.next.next.next is None",
    ),
    "what it raises": (
        "class Bad(ValueError):\n    def __init__(self, code): super().__init__('bad'); self.code = code\n"
        "def f(x):\n    if x: raise Bad(7)\n    raise KeyError('k')",
        "try:\n    f(1)\n    assert False\nexcept Bad as e:\n    assert e.code == 7 and str(e) == 'bad'\n"
        "try:\n    f(1)\n    assert False\nexcept ValueError:\n    pass\n"
        "try:\n    f(0)\n    assert False\nexcept KeyError as e:\n    assert e.args == ('k',)",
    ),
    "a generator": (
        "def count(n):\n    i = n\n    while True:\n        yield i\n        i += 1",
        "import itertools\nassert list(itertools.islice(count(3), 3)) == [3, 4, 5]\n"
        "g = count(1)\nassert next(g) == 1 and next(g) == 2",
    ),
    "functions of the test's": (
        "def twice(f, x): return f(f(x))\ndef typed(x, kind): return isinstance(x, kind)\n"
        "def deco(f):\n    def wrapped(*a): return f(*a) + 1\n    return wrapped",
        "assert twice(lambda x: x + 1, 3) == 5 and typed(3, int) and not typed('3', int)\n"
        "@deco\ndef g(a, b): return a * b\nassert g(3, 4) == 13\n"
        "def fails(x): raise LookupError('no')\n"
        "try:\n    twice(fails, 1)\n    assert False\nexcept LookupError as e:\n    assert str(e) == 'no'",
    ),
    "objects of the test's": (
        "def total(node):\n    node.seen = True\n    return node.val + (total(node.next) if node.next else 0)",
        "class N:\n    def __init__(self, val, next=None): self.val, self.next = val, next\n"
        "n = N(1, N(2))\nassert total(n) == 3 and n.seen and n.next.seen",
    ),
    "what it prints": (
        "def hello(name): print('hello', name)",
        "import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "    hello('you')\nassert out.getvalue() == 'hello you\\n'",
    ),
    "what it reads": (
        "def double(): return 2 * int(input('n? '))",
        "from unittest.mock import patch\nwith patch('builtins.input', return_value='21') as asked:\n"
        "    assert double() == 42\nasked.assert_called_once_with('n? ')",
    ),
    "async": (
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x + 1",
        "import asyncio\nassert asyncio.run(f(1)) == 2",
    ),
    "a builtin's name": ("def sum(a, b): return a * b", "assert sum(10, 15) == 150"),
    "unittest": (
        "def add(a, b): return a + b",
        "import unittest\nclass T(unittest.TestCase):\n"
        "    def test_it(self):\n        self.assertEqual(add(1, 2), 3)\n"
        "        with self.assertRaises(TypeError): add(1, 'x')\n"
        "r = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\n"
        "assert r.wasSuccessful()",
    ),
    "imports": ("from math import sqrt\nimport math as m", "assert sqrt(4) == m.sqrt(4) == 2"),
    "a memoised function and a partial": (
        "import functools\n@functools.lru_cache\ndef fib(n): return n if n < 2 else fib(n-1) + fib(n-2)\n"
        "add1 = functools.partial(lambda a, b: a + b, 1)",
        "assert fib(50) == 12586269025 and add1(2) == 3 and fib.__name__ == 'fib'",
    ),
    "an enum": (
        "from enum import Enum\nclass Color(Enum):\n    RED = 1\n    BLUE = 2\ndef pick(): return Color.RED",
        "assert pick() == Color.RED and pick() is Color.RED and pick() != Color.BLUE\n"
        "assert pick().value == 1 and Color(2).name == 'BLUE' and Color['RED'] == pick()",
    ),
    "a context": (
        "class C:\n    def __enter__(self): self.on = True; return self\n"
        "    def __exit__(self, *_): self.on = False",
        "with C() as c:\n    assert c.on\nassert not c.on",
    ),
    "many calls": ("def f(x): return x * 2", "assert all(f(i) == 2 * i for i in range(2000))"),
}  # fmt: skip


@pytest.mark.parametrize("what", HONEST)
async def test_what_is_right_passes(what: str, unsafe: Form) -> None:
    program, test = HONEST[what]
    outcome = await run(program, unsafe, tests=test)
    assert outcome.passed, outcome.said


async def test_a_program_cannot_reach_into_a_tests_function(unsafe: Form) -> None:
    program = (
        "def f(given):\n    found = []\n"
        "    for name in ('__globals__', '__code__', '__self__', 'gi_frame', '__class__'):\n"
        "        try:\n            found.append(object.__getattribute__(given, '__class__')"
        ".__getattr__(given, name))\n"
        "        except AttributeError:\n            pass\n    return len(found)"
    )
    test = "assert f(lambda: 1) == 0\nassert f(x for x in [1]) == 0"
    assert await passes(program, test, unsafe)


async def test_why_a_test_does_not_pass_is_said(unsafe: Form) -> None:
    assert "division by zero" in (await run("1/0", unsafe, tests="assert True")).said
    said = (await run("def f(): return 1", unsafe, tests="assert f() == 2, 'two'")).said
    assert said == "failed: AssertionError: two"
    assert "NameError" in (await run("x = 1", unsafe, tests="g()")).said
