"""What a training was: settings, versions, data, and its course; as JSON, as a page, and as a picture."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from matplotlib.axes import Axes

from charting.style import BLUE, INK, ORANGE, PURPLE, TEAL, chart, grid

PACKAGES = ("torch", "transformers", "accelerate", "numpy", "pillow")
COLOURS = (BLUE, ORANGE, TEAL, PURPLE)
FEW_FALSE_POSITIVES = 5

PANELS = (
    ("Loss", ("loss", "eval_loss"), "mean over images"),
    ("Validation", ("eval_accuracy", "eval_recall_explicit", "eval_recall_explicit_at_half"), "share"),
    ("Chosen by", ("eval_selection", "eval_ece_left", "eval_ece"), "selection; ECE, before and after"),
    ("Learning rate", ("learning_rate",), "per update"),
)
NAMES = {
    "loss": "training",
    "eval_loss": "validation",
    "eval_accuracy": "accuracy",
    "eval_recall_explicit": "recall of explicit at the false-positive rate",
    "eval_recall_explicit_at_half": "recall of explicit at 0.5",
    "eval_selection": "selection",
    "eval_ece": "ECE as trained",
    "eval_ece_left": "ECE left at the best temperature: what selection subtracts",
    "learning_rate": "learning rate",
}


def versions() -> dict[str, str]:
    """Return the versions of what a training's result depends on."""
    return {package: version(package) for package in PACKAGES}


def page(card: Mapping[str, Any]) -> str:
    """Return run_card.md."""
    best, data = card["best"], card["data"]
    rows = [f"| {name} | {value} |" for name, value in card["settings"].items()]
    course = [
        f"| {one['epoch']:.2f} | {one['eval_loss']:.4f} | {one['eval_accuracy']:.4f} | "
        f"{one['eval_recall_explicit']:.4f} | {one['eval_ece']:.4f} | {one['eval_ece_left']:.4f} | "
        f"{one['eval_selection']:.4f} |"
        for one in card["history"]
        if "eval_loss" in one
    ]
    return "\n".join(
        [
            f"# Training of {card['name']}\n",
            f"Begun {card['started_utc']}, {card['seconds']:,.0f} s on {card['device']}"
            + (" since it was last gone on with after a stop" if card["resumed"] else "")
            + f". Base: {card['base']}"
            + (f" at {card['base_revision']}" if card["base_revision"] else "")
            + ".\n",
            f"Data: {data['train']:,} images to train on, {data['validation']:,} to choose the checkpoint by, "
            f"fingerprint `{data['fingerprint']}`; preprocessing `{card['preprocessing']}`.\n",
            f"Chosen: the checkpoint of step {best['step']}, selection {best['selection']:.4f} "
            f"({card['settings']['selection']}). {card['ended']}\n",
            "| setting | value |",
            "| --- | --- |",
            *rows,
            "\n## Course, on the validation split\n",
            "| epoch | loss | accuracy | recall of explicit | ECE | ECE left | selection |",
            "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            *course,
            "\nThe recall is that of porn and hentai together at a false-positive rate of at most "
            f"{card['settings']['max_fpr']:g}. ECE left is what remains at the best temperature for these images, and "
            "what the selection by recall and calibration subtracts. The test split was not looked at.\n",
            f"{rests_on(data, card['settings']['max_fpr'])}\n",
            "Versions: " + ", ".join(f"{name} {text}" for name, text in card["versions"].items()) + ".\n",
            "![Curves](curves.png)\n",
        ]
    )


def rests_on(data: Mapping[str, Any], max_fpr: float) -> str:
    """Say how many images the recall was measured on, and warn where its false-positive rate allows next to none."""
    explicit, others = data["validation_explicit"], data["validation_others"]
    allowed = int(max_fpr * others + 1e-9)
    text = f"It rests on {explicit:,} explicit and {others:,} other images; {allowed:,} of the others may score higher."
    if max_fpr * others < FEW_FALSE_POSITIVES:
        text += (
            f" **That is few:** a single image moves the recall, and the choice of the checkpoint with it. Below "
            f"{FEW_FALSE_POSITIVES / max_fpr:,.0f} other images a larger --max-fpr, or more data, tells checkpoints "
            "apart better."
            if max_fpr
            else " **None may:** a single image decides the recall; a --max-fpr above 0 tells checkpoints apart better."
        )
    return text


def curves(history: Sequence[Mapping[str, Any]], best_epoch: float | None) -> bytes:
    """Return curves.png: loss, validation figures, what the checkpoint was chosen by, learning rate, over epochs."""
    with chart(11, 7) as canvas:
        for axes, (title, keys, unit) in zip(canvas.figure.subplots(2, 2).flat, PANELS, strict=True):
            for key, colour in zip(keys, COLOURS, strict=False):
                _draw(axes, history, key, colour)
            if best_epoch is not None:
                axes.axvline(best_epoch, color=INK, lw=1, ls=":")
            axes.set(title=title, xlabel="epoch; dotted: the checkpoint that was chosen", ylabel=unit)
            axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
            grid(axes)
            axes.legend(fontsize=9)
    return canvas.png


def _draw(axes: Axes, history: Sequence[Mapping[str, Any]], key: str, colour: str) -> None:
    points = [(one["epoch"], one[key]) for one in history if key in one]
    axes.plot(*zip(*points, strict=True) if points else ([], []), "o-", ms=3, lw=1.6, color=colour, label=NAMES[key])
