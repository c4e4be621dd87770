"""What calibrate.py leaves for people: reliability diagrams before and after, and a page of figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from charting.style import BLUE, GREY, chart
from evaluation.log_probabilities import Logits
from evaluation.reliability import Calibration, draw_reliability
from evaluation.temperature_fit import probabilities_at


def reliability_png(temperature: float, parts: Mapping[str, Logits]) -> bytes:
    """Draw a row for each part of the data, by its name: the top label's reliability before and after."""
    with chart(11, 5.3 * len(parts)) as canvas:
        grid = canvas.figure.subplots(len(parts), 2, squeeze=False)
        for row, (name, logits) in zip(grid, parts.items(), strict=True):
            for axes, (when, at, colour) in zip(
                row, (("before", 1.0, GREY), (f"at temperature {temperature:.3f}", temperature, BLUE)), strict=True
            ):
                found = Calibration.of(probabilities_at(logits, at), logits.classes)
                draw_reliability(axes, found.top_label, f"{name}, {when}: ECE {found.ece:.3f}", colour)
                axes.set(xlabel="probability of the most probable class", ylabel="share that is truly of that class")
    return canvas.png


def page(record: Mapping[str, Any], model: str, warnings: Sequence[str]) -> str:
    """Return calibration.md of what calibration.json holds."""
    parts = [(record["fitted_on"]["split"] or "all images", "fitted on it", record)]
    if record["test"]:
        parts.append(("test", "not looked at by the fit", record["test"]))
    rows = [
        f"| {name} ({what}) | {part['images']:,} | {part['nll_before']:.4f} | {part['nll_after']:.4f} "
        f"| {part['ece_before']:.4f} | {part['ece_after']:.4f} |"
        for name, what, part in parts
    ]
    low, high = record["temperature_95"]
    sure = "more" if record["temperature"] > 1 else "less"
    return "\n".join(
        [
            f"# Calibration of {model}\n",
            f"Temperature **{record['temperature']:.4f}** (95 % interval {low:.3f} to {high:.3f}): the model was "
            f"{sure} sure than it was right, and its logits are now divided by this before the softmax. The most "
            "probable class of an image stays the same; its probabilities, and so actions, may change.\n",
            *(f"**Warning:** {warning}\n" for warning in warnings),
            "| images of | images | NLL before | NLL after | ECE before | ECE after |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *rows,
            f"\nNLL is the mean of -log p(true class), ECE the top label's expected calibration error. On images left "
            f"out of the fit (five folds, near-duplicates in one) the NLL is {record['nll_cross_validated']:.4f}.\n",
            f"Data: `{record['fitted_on']['source']}`"
            + (f", fingerprint `{record['fitted_on']['fingerprint']}`" if record["fitted_on"]["fingerprint"] else "")
            + f". Weights: sha256 `{record['weights_sha256']}`.\n",
            "Thresholds that were tuned before this mean something else now: evaluate and tune them again, and rebuild "
            "the archive.\n",
            "![Reliability before and after](reliability.png)\n",
        ]
    )
