"""How every chart of this project's models looks, and how one becomes a PNG."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

INK, FAINT, EDGE = "#24292f", "#d8dee4", "#8c959f"
BLUE, TEAL, PURPLE, GREY, ORANGE = "#1f5fa8", "#12877a", "#7a4fa3", "#5b6b7b", "#c2571a"
GOOD, BAD = "#2a7d3f", "#b3261e"
LABEL_COLOURS = {"drawing": TEAL, "hentai": PURPLE, "neutral": BLUE, "porn": BAD, "sexy": ORANGE}
ACTION_COLOURS = {"allow": "#8fb8de", "review": "#e3b24f", "blur": "#7b4b94"}
BLUES = LinearSegmentedColormap.from_list("trust-blues", ["#ffffff", "#c9dcf0", "#5d94cc", "#174a86"])
DPI = 130
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": EDGE,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


class Chart:
    """A figure being drawn; `png` holds its bytes once the `chart` block has ended."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.png = b""


@contextmanager
def chart(width_inches: float, height_inches: float, title: str = "") -> Iterator[Chart]:
    """Draw in the style: `with chart(7, 5) as canvas: axes = canvas.figure.subplots()`, then take `canvas.png`."""
    with mpl.rc_context(STYLE):
        canvas = Chart(Figure(figsize=(width_inches, height_inches), dpi=DPI, layout="constrained"))
        if title:
            canvas.figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        yield canvas
        out = io.BytesIO()
        # No software version in it: the same figures give the same bytes.
        canvas.figure.savefig(out, format="png", metadata={"Software": ""})
        canvas.png = out.getvalue()


def grid(axes: Axes, along: str = "both") -> None:
    """Draw faint lines across "x", "y" or "both"."""
    axes.grid(axis=along, color=FAINT, lw=0.8)  # type: ignore[arg-type]
