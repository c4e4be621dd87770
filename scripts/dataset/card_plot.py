"""The data card as one picture: classes and splits, what was found, formats, sizes."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from charting.style import BAD, BLUE, FAINT, GOOD, GREY, INK, ORANGE, TEAL, chart
from dataset.card import Card
from dataset.example import SPLITS, Example
from trust_nsfw.schema import LABELS

SPLIT_COLOURS = {"train": BLUE, "validation": TEAL, "test": ORANGE}
BAR = GREY
MOST_FORMATS = 8
SIDE_BINS = 40


def png(card: Card, examples: Sequence[Example]) -> bytes:
    """Return the picture as PNG."""
    with chart(13, 8.2) as canvas:
        (classes, findings), (formats, sizes) = canvas.figure.subplots(2, 2)
        draw_classes(classes, card)
        draw_findings(findings, card)
        draw_formats(formats, card)
        draw_sizes(sizes, examples)
        source, split = card["source"], card["split"]
        revision = f" at {source['revision'][:12]}" if source["revision"] else ""
        canvas.figure.suptitle(
            f"{source['name']}{revision} · {card['images']:,} images · {split['method']} split, seed {split['seed']} · "
            f"fingerprint {card['fingerprint'][:12]}\n",
            fontsize=10.5,
            x=0.01,
            ha="left",
        )
    return canvas.png


def draw_classes(axes: Axes, card: Card) -> None:
    """Draw a bar per class, its splits one after the other."""
    left = np.zeros(len(LABELS))
    for split in SPLITS:
        counts = np.array([card["counts"][split][label] for label in LABELS])
        axes.barh(range(len(LABELS)), counts, left=left, color=SPLIT_COLOURS[split], height=0.68, label=split)
        left += counts
    for place, whole in enumerate(left):
        colour = INK if whole else BAD
        axes.text(whole, place, f"  {whole:,.0f}", va="center", fontweight="bold", color=colour)
    _rows(axes, LABELS)
    axes.set_xlim(0, max(left) * 1.12)
    axes.set_title("Images per class and split")
    axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.08))


def draw_findings(axes: Axes, card: Card) -> None:
    """Write how much of the data is doubtful; what may not be there at all in red where it is."""
    near, leak = card["near_duplicates"], card["leak"]
    rows = (
        ("images left out", card["quarantined"]["images"], False),
        ("exact copies, kept once", card["exact_duplicates"], False),
        ("images with near-duplicates", near["images"], False),
        ("largest group", near["largest_group"], False),
        ("images whose labels conflict", card["conflicts"]["images"], True),
        ("images that leak between splits", leak["images"] + leak["copies"], True),
        ("missing classes", len(card["missing_classes"]), True),
    )
    for place, (name, count, is_fault) in enumerate(rows):
        colour = INK if not is_fault else BAD if count else GOOD
        axes.text(0.14, place, f"{count:,}", ha="right", va="center", fontsize=15, fontweight="bold", color=colour)
        axes.text(0.18, place, name, va="center", fontsize=11)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.set_axis_off()
    axes.set_title("What was found")


def draw_formats(axes: Axes, card: Card) -> None:
    """Draw a bar per format, the rarest together."""
    ranked = list(card["formats"].items())
    shown = ranked[:MOST_FORMATS]
    if rest := ranked[MOST_FORMATS:]:
        shown.append((f"{len(rest)} others", sum(count for _, count in rest)))
    for place, (_, count) in enumerate(shown):
        axes.barh(place, count, color=BAR, height=0.68)
        axes.text(count, place, f"  {count:,}", va="center")
    _rows(axes, [name for name, _ in shown])
    axes.set_ylim(max(len(shown), 4) - 0.4, -0.6)
    axes.set_xlim(0, max(count for _, count in shown) * 1.12)
    axes.set_title("Formats")


def draw_sizes(axes: Axes, examples: Sequence[Example]) -> None:
    """Draw how many images have a longer side of how many px, on a logarithmic scale."""
    sides = np.array([max(example.width, example.height) for example in examples])
    least, most = sides.min() / 1.2, sides.max() * 1.2
    axes.hist(sides, bins=np.geomspace(least, most, SIDE_BINS).tolist(), color=BAR)
    axes.axvline(float(np.median(sides)), color=INK, lw=1.4, ls=":")
    axes.text(
        *(float(np.median(sides)), 1.0, f" median {np.median(sides):,.0f} px"),
        transform=axes.get_xaxis_transform(),
        va="bottom",
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    steps = [side for side in (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384) if least <= side <= most]
    axes.set_xticks(steps)
    axes.set_xlim(least, most)
    axes.yaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="y", color=FAINT, lw=0.8)
    axes.set_axisbelow(True)
    axes.set_title("Longer side\n")
    axes.set_xlabel("px (logarithmic)")
    axes.set_ylabel("images")


def _rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(nbins=6, integer=True))
    axes.grid(axis="x", color=FAINT, lw=0.8)
    axes.set_axisbelow(True)
