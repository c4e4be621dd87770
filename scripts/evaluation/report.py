"""evaluation.json and the charts -> one HTML page that needs nothing else."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from trust_nsfw.schema import LABELS, Action

TEMPLATE = "report.html.j2"
NOT_MEASURED = "not measured"

PUBLISHED: tuple[dict[str, str], ...] = (
    {
        "who": "TRUST-NSFW-Soft-V1, as published",
        "data": "deepghs/nsfw_detect, random validation split",
        "accuracy": "94.2 %",
        "precision": "0.93",
        "recall": "0.94",
        "f1": "0.93",
    },
    {"who": "TRUST-NSFW-Soft-V1, a later revision of its page", "data": "the same", "accuracy": "93.8 %"},
    {"who": "another ViT-B/16", "data": "28,000 images", "accuracy": "93.2 %"},
    {"who": "another ViT-B/16", "data": "deepghs/nsfw_detect", "accuracy": "92.0 %"},
)
"""What others report; precision, recall and F1 are weighted by the classes' images."""


def report_html(record: Mapping[str, Any], pngs: Mapping[str, bytes]) -> str:
    """Return the page; `pngs` by name without ending. A chart that is not there is left out with its section."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "interval": interval, "number": number}
    images = {name: "data:image/png;base64," + base64.b64encode(png).decode() for name, png in pngs.items()}
    return environment.get_template(TEMPLATE).render(
        record=record, images=images, labels=LABELS, actions=list(Action), published=PUBLISHED
    )


def percent(value: float | None) -> str:
    """Return a share as a percentage with one decimal."""
    return NOT_MEASURED if value is None else f"{100 * value:.1f} %"


def interval(share: Mapping[str, Any]) -> str:
    """Return a share's 95 % interval and its counts."""
    if not share["cases"]:
        return "there is no such image"
    return f"{100 * share['low']:.1f} to {100 * share['high']:.1f} %, {share['hits']:,} of {share['cases']:,}"


def number(value: float | None, decimals: int = 3) -> str:
    """Return a figure with so many decimals."""
    return NOT_MEASURED if value is None else f"{value:,.{decimals}f}"
