"""Layout of all plots."""

LAYOUT = {
    "template": "plotly_white",
    "height": 380,
    "margin": {"l": 60, "r": 20, "t": 40, "b": 50},
    "legend": {"orientation": "h", "y": 1, "yanchor": "bottom"},
}
"""What each of plotly's figures is made with."""
