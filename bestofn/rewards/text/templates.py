"""Jinja templates of the formats that are not a model's own chat template.

Variables as in `bestofn.rewards.text.renderer`. Where a model's card shows one turn only,
further turns repeat it; that choice is said beside each.
"""

from __future__ import annotations

_DIALOGUE = """
{%- for message in messages %}
    {%- if message.tool_calls or message.role not in ('system', 'user', 'assistant') %}
        {{- raise_exception('the NAME format knows no tools, only system, user and assistant') }}
    {%- elif message.role == 'assistant' %}
        {{- '\\n\\nANSWER' + message.content }}
    {%- else %}
        {%- set before = messages[loop.index0 - 1].role if not loop.first else '' %}
        {{- '\\n' if before == 'system' else ('' if loop.first else '\\n\\n') }}
        {{- ('' if before == 'system' else 'HUMAN') + message.content }}
    {%- endif %}
{%- endfor %}"""
"""Turns with a blank line between; a system message opens the human's turn, one newline before what
the human says."""

_TURNS = """
{%- for message in messages %}
    {%- if message.tool_calls or message.role not in ('user', 'assistant') %}
        {{- raise_exception('the NAME format knows no tools, only user and assistant') }}
    {%- elif message.role == 'user' %}
        {{- USER }}
    {%- else %}
        {{- ANSWER }}
    {%- endif %}
{%- endfor %}"""

_PAIR = """
{%- if messages | length != 2 or messages[0].role != 'user' or messages[1].tool_calls %}
    {{- raise_exception('the NAME format knows one question and one answer, without tools') }}
{%- endif %}
{{- messages[0].content + BETWEEN + messages[1].content }}"""


def _filled(text: str, **parts: str) -> str:
    for name, part in parts.items():
        text = text.replace(name, part)
    return text


ZIYA = _filled(_DIALOGUE, NAME="ziya", HUMAN="Human:", ANSWER="Assistant:")
"""The model card's `Human:{query}\\n\\nAssistant:{response}`, without spaces."""

ULTRARM = _filled(_DIALOGUE, NAME="ultrarm", HUMAN="Human: ", ANSWER="Assistant: ")
"""`Human: {instruction}\\n\\nAssistant: {completion}`, of OpenBMB's own scoring script. (The card's
sample has one newline there.)"""

EURUS = _filled(
    _TURNS,
    NAME="eurus",
    USER=r"'[INST] ' + message.content + ' [\\INST]'",
    ANSWER="' ' + message.content + ('' if loop.last else eos_token)",
)
"""`[INST] {prompt} [\\INST] {response}`, with the model card's backslash. Earlier answers end in
the end token as in Mistral-Instruct, which the card says the template is taken from."""

BEAVER = "{{- 'BEGINNING OF CONVERSATION: ' }}" + _filled(
    _TURNS,
    NAME="beaver",
    USER="'USER: ' + message.content + ' '",
    ANSWER="'ASSISTANT:' + message.content + (eos_token if ended or not loop.last else '')",
)
"""The model card's text; safe-rlhf trains with the end token after each answer."""

OASST = _filled(_PAIR, NAME="oasst", BETWEEN="sep_token")
"""The model card's `tokenizer(question, answer)`: the tokenizer stands between them what separates
a pair."""

MATH_SHEPHERD = _filled(_PAIR, NAME="math-shepherd", BETWEEN="' '")
"""The model card's `{question} {answer}`; the answer's steps are marked already."""
