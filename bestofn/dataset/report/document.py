"""Document of a report: sections of sentences, tables and plots on one HTML page without a network.

What all pages of bestofn share, so that they look alike:

    document("A run", [Section("Stopping", "By rule.", Table(("rule", "rows"), [("evidence", 7)]))])

The size of a page is bounded by what its sections hold; plotly's own code is most of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jinja2

from bestofn.core.errors import ConfigError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

EXCERPT = 2_000
"""Characters of a text that a page shows; what is beyond them is counted."""

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{{ title }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1100px;
  padding: 0 1rem; color: #222; background: #fff; }
h1, h2, h3 { font-weight: 600; } h2 { margin-top: 2.5rem; } .note { color: #555; max-width: 46rem; }
nav { margin: 1rem 0; } nav a { margin-right: 1rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; }
td, th { padding: .15rem 1rem .15rem 0; text-align: left; vertical-align: top; }
th { border-bottom: 1px solid #ccc; font-weight: 600; } td + td, th + th { padding-left: .4rem; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem;
  margin: .5rem 0 1.5rem; }
.pair > div, .text { border: 1px solid #ddd; border-radius: 6px; padding: .6rem .8rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.reward { color: #555; display: block; } .prompt { font-weight: 600; white-space: pre-wrap;
  overflow-wrap: anywhere; }
</style>
<script>{{ plotly | safe }}</script>
</head>
<body>
<h1>{{ title }}</h1>
{% macro drawn(table) %}<div class="wide"><table>
{% if table.columns %}<tr>{% for each in table.columns %}
<th scope="col"{% if loop.index0 not in table.words %} class="n"{% endif %}>{{ each }}</th>
{% endfor %}</tr>{% endif %}
{% for row in table.rows %}<tr>{% for each in row %}
<td{% if loop.index0 not in table.words %} class="n"{% endif %}>{{ each | said }}</td>
{% endfor %}</tr>
{% endfor %}</table></div>{% endmacro %}
{% if facts %}{{ drawn(facts) }}{% endif %}
{% if sections | length > 1 %}<nav aria-label="Sections">{% for each in sections %}
<a href="#section-{{ loop.index }}">{{ each.heading }}</a>
{% endfor %}</nav>{% endif %}
{% for each in sections %}
<section>
<h2 id="section-{{ loop.index }}">{{ each.heading }}</h2>
{% if each.note %}<p class="note">{{ each.note }}</p>{% endif %}
{% if each.figure is not none %}{{ each.figure | plot }}{% endif %}
{% if each.table %}{{ drawn(each.table) }}{% endif %}
{% for pair in each.pairs %}
<div class="prompt">{{ pair.prompt }}</div>
<div class="pair">
{% for label, text in pair.texts %}
<div><span class="reward">{{ label }}</span>{{ text }}</div>
{% endfor %}</div>
{% endfor %}
{% for heading, texts in each.texts %}
<h3>{{ heading }}</h3>
{% for text in texts %}<p class="text">{{ text }}</p>{% endfor %}
{% endfor %}
</section>
{% endfor %}
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under their columns.

    Args:
        columns: headings; (): the table has none.
        rows: of cells. Whole numbers get thousands, other numbers three digits, None a dash.
        words: which columns are words, and stand at the left; the others are numbers.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]
    words: frozenset[int] = frozenset({0})


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt, and answers to it side by side.

    Args:
        prompt: its text.
        texts: of the answers, each under a label.
    """

    prompt: str
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, in this order.

    Args:
        heading: of the section.
        note: sentences for a reader; '': none.
        table: numbers.
        figure: a plot of plotly's.
        pairs: answers to compare.
        texts: to read, by a heading each.
    """

    heading: str
    note: str = ""
    table: Table | None = None
    figure: Figure | None = None
    pairs: Sequence[Pair] = ()
    texts: Sequence[tuple[str, Sequence[str]]] = ()


def document(title: str, sections: Sequence[Section], facts: Table | None = None) -> str:
    """The page as HTML; all text in it is escaped.

    Args:
        title: of the page.
        sections: in their order.
        facts: a table under the title.

    Raises:
        ConfigError: plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ConfigError(
            "a report needs plotly: pip install 'bestofn-middleware[report]'"
        ) from error
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"said": said, "plot": _plot}
    template = environment.from_string(TEMPLATE)
    return template.render(title=title, facts=facts, sections=sections, plotly=get_plotlyjs())


def excerpt(text: str) -> str:
    """The first `EXCERPT` characters, and how many more there are."""
    more = len(text) - EXCERPT
    return text if more <= 0 else f"{text[:EXCERPT]} … ({more:,} more characters)"


def said(value: object) -> str:
    """A cell as it is read: 1,234,567; 0.123; a dash for what is not known."""
    if value is None or value != value:
        return "–"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _plot(figure: Figure) -> str:
    from markupsafe import Markup

    # plotly escapes what it draws
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False))
