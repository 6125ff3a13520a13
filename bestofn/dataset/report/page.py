"""HTML page of a report: one file that needs no network."""

from __future__ import annotations

from pathlib import Path

import jinja2

from bestofn.core.errors import ConfigError
from bestofn.dataset.report.findings import Findings
from bestofn.dataset.report.plots import figures
from bestofn.dataset.store.atomic_files import replace_text
from bestofn.dataset.store.manifest import Manifest

NAME = "report.html"

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{{ title }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1100px;
  padding: 0 1rem; }
h1, h2 { font-weight: 600; } h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; } td, th { padding: .15rem 1rem .15rem 0; text-align: left; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin: .5rem 0 1.5rem; }
.pair > div, .text { border: 1px solid #ddd; border-radius: 6px; padding: .6rem .8rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.reward { color: #666; display: block; } .prompt { font-weight: 600; white-space: pre-wrap; }
</style>
<script>{{ plotly | safe }}</script>
</head>
<body>
<h1>{{ title }}</h1>
<table>
<tr><td>prompts</td><td class="n">{{ "{:,}".format(found.summary.rows) }}</td></tr>
{% for status, count in found.summary.statuses.items() %}
<tr><td>{{ status | replace("_", " ") }}</td><td class="n">{{ "{:,}".format(count) }}</td></tr>
{% endfor %}
<tr><td>candidates</td><td class="n">{{ "{:,}".format(found.summary.candidates) }}</td></tr>
<tr><td>accepted</td><td class="n">{{ "{:,}".format(found.summary.accepted) }}</td></tr>
<tr><td>completion tokens</td>
<td class="n">{{ "{:,}".format(found.summary.completion_tokens) }}</td></tr>
</table>
{% for heading, figure in figures.items() %}
<h2>{{ heading }}</h2>
{{ figure | safe }}
{% endfor %}
{% for heading, examples in examples.items() if examples %}
<h2>{{ heading }}</h2>
{% for each in examples %}
<div class="prompt">{{ each.prompt }}</div>
<div class="pair">
<div><span class="reward">best, {{ "%.3f" % each.best[1] }}</span>{{ each.best[0] }}</div>
<div><span class="reward">worst, {{ "%.3f" % each.worst[1] }}</span>{{ each.worst[0] }}</div>
</div>
{% endfor %}
{% endfor %}
{% if found.rejected_texts %}<h2>Rejected, to read</h2>{% endif %}
{% for reason, texts in found.rejected_texts.items() %}
<h3>{{ reason }}</h3>
{% for text in texts %}<p class="text">{{ text }}</p>{% endfor %}
{% endfor %}
</body>
</html>
"""


def write_report(folder: Path, manifest: Manifest, found: Findings) -> Path:
    """Write the page into a run's folder; its path.

    Raises:
        ConfigError: plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ConfigError(
            "a report needs plotly: pip install 'bestofn-middleware[report]'"
        ) from error
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    drawn = {
        title: figure.to_html(full_html=False, include_plotlyjs=False)
        for title, figure in figures(found, manifest.sessions).items()
    }
    page = environment.from_string(TEMPLATE).render(
        title=f"Best of N: {folder.resolve().name}",
        plotly=get_plotlyjs(),
        found=found,
        figures=drawn,
        examples={
            "Where the choice was clearest": sorted(found.clearest, reverse=True),
            "Where it was closest": [example for _, example in sorted(found.closest, reverse=True)],
        },
    )
    path = folder / NAME
    replace_text(path, page)
    return path
