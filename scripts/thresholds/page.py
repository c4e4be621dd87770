"""The results as a page for an operator, and as a record for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from thresholds.figures import Figures, figure_record
from thresholds.intervals import Estimate
from thresholds.promise import Promise
from thresholds.tuning import ThresholdInterval, Tuned
from trust_nsfw.schema import LABELS

MEANINGS = {
    "blur": "explicit at or above it: blur",
    "review": "explicit at or above it: review",
    "sexy": "sexy at or above it: review",
    "nsfw": "nsfw (explicit + sexy) at or above it: review",
}


def headline(tuned: Tuned) -> str:
    """Return one line saying how far the recall may be relied on."""
    asked = (
        f"recall of {' and '.join(promise.population for promise in tuned.promises)} at least {tuned.targets.recall:g}"
    )
    return f"{asked}: PROMISED" if tuned.is_promised else f"{asked}: NOT PROMISED by these images"


def remarks(tuned: Tuned, source: str) -> list[str]:
    """Return what stands above the policy, a line each."""
    return [
        f"Tuned by scripts/tune_thresholds.py on {source}.",
        headline(tuned) + ".",
        *(f"  {promise}." for promise in tuned.promises),
        f"Base rates: {rates_text(tuned)}.",
        f"Reviews at these base rates: {reviews_text(tuned)}.",
        blur_doubt(tuned) or f"Of what is blurred, explicit: {_percent(tuned.checked.blur_precision)}.",
        "Scores of another checkpoint, precision or temperature mean something else: tune again for those.",
    ]


def record(tuned: Tuned, source: dict[str, Any]) -> dict[str, Any]:
    """Return thresholds.json."""
    return {
        "source": source,
        "targets": asdict(tuned.targets),
        "budget": asdict(tuned.budget),
        "base_rates": dict(tuned.rates),
        "images": dict(tuned.counts),
        "unscored": tuned.unscored,
        "thresholds": {
            name: {"value": value, **asdict(tuned.intervals[name])} for name, value in tuned.point.thresholds().items()
        },
        "bootstrap_draws": tuned.draws,
        "promised": tuned.is_promised,
        "promises": [_promise_record(promise) for promise in tuned.promises],
        "shortfall": tuned.shortfall,
        "chosen_on": tuned.chosen.record(),
        "checked_on": {"images": tuned.checked_on, **tuned.checked.record()},
        "curve": [
            {"recall_asked": one.asked, "thresholds": one.point.thresholds(), **one.figures.record()}
            for one in tuned.curve
        ],
    }


def page(tuned: Tuned, source: str, policy_file: str | None) -> str:
    """Return thresholds.md; `policy_file` is the policy's name beside it, None where none was written."""
    parts = [
        "# Thresholds",
        f"From {source}.",
        f"**{headline(tuned)}**",
        "\n".join(f"- {promise}." for promise in tuned.promises),
    ]
    if doubt := blur_doubt(tuned):
        parts.append(doubt)
    if tuned.shortfall:
        parts.append(f"**Over the review budget:** {tuned.shortfall}.")
    written = f"The policy is `{policy_file}`: put it into `handler/policies/` and build the archive again."
    parts.append(written if policy_file else "No policy was written.")
    parts += ["![operating curve](operating_curve.png)", "## Thresholds", _thresholds(tuned)]
    parts += [
        "## What to expect",
        _expectations(tuned),
        "What it takes, the larger review load first: plan for that one.",
        _volumes(tuned),
        "## The images, and the uploads",
        _images(tuned),
        _notes(tuned),
    ]
    return "\n\n".join(parts) + "\n"


def blur_doubt(tuned: Tuned) -> str | None:
    """Say so where blurring may be less precise than was asked for; None where it can't, or nothing was asked."""
    asked, found = tuned.targets.blur_precision, tuned.checked.blur_precision
    if asked is None or found.low >= asked:
        return None
    return (
        f"The blur precision of {asked:g} is not certain: on {tuned.checked_on} it is {_percent(found)}. At low "
        "base rates only thousands of images that are not explicit can promise it."
    )


def summary(tuned: Tuned) -> str:
    """Return what the command prints."""
    chosen = ", ".join(
        f"{name} {value:.6f} ({_interval(tuned.intervals[name])})"
        for name, value in tuned.point.thresholds().items()
        if value is not None
    )
    lines = [
        headline(tuned),
        *(f"  {promise}" for promise in tuned.promises),
        f"thresholds: {chosen}",
        f"reviewed: {reviews_text(tuned)}",
        blur_doubt(tuned) or f"explicit among the blurred: {_percent(tuned.checked.blur_precision)}",
    ]
    return "\n".join(lines)


def by_load(tuned: Tuned) -> list[tuple[str, Figures]]:
    """Return the figures with where they were seen, the larger review load first: neither of them is the safe one.

    Thresholds that were chosen on images need fewer reviews there by luck, or more: of fifths held out the thresholds
    are others.
    """
    both = [(tuned.checked_on, tuned.checked), ("the images chosen on", tuned.chosen)]
    return sorted(both, key=lambda one: -one[1].review_load.value)


def reviews_text(tuned: Tuned) -> str:
    """Return the review load in words, the larger one first, by the day where uploads are known."""
    daily = tuned.budget.daily_uploads
    texts = [
        f"{_percent(figures.review_load)} of uploads"
        + (f", {_daily(figures.review_load, daily)} of {daily:,} a day," if daily else "")
        + f" as seen on {where}"
        for where, figures in by_load(tuned)
    ]
    return "; ".join(texts)


def rates_text(tuned: Tuned) -> str:
    """Return the base rates in words."""
    return ", ".join(f"{label} {100 * tuned.rates[label]:.4f} %" for label in LABELS)


def _thresholds(tuned: Tuned) -> str:
    rows = [
        (name, MEANINGS[name], "not used" if value is None else f"{value:.6f}", _interval(tuned.intervals[name]))
        for name, value in tuned.point.thresholds().items()
    ]
    return _table(("threshold", "meaning", "value", f"95 % interval, {tuned.draws} bootstrap draws"), rows)


def _interval(interval: ThresholdInterval) -> str:
    if interval.low is None or interval.high is None:
        return "never used"
    often = "" if interval.used == 1 else f", used in {100 * interval.used:.0f} % of draws"
    return f"{interval.low:.6f} to {interval.high:.6f}{often}"


def _expectations(tuned: Tuned) -> str:
    head = ("figure", "on the images chosen on (too good)", f"on {tuned.checked_on}")
    both = _rows(tuned.chosen), _rows(tuned.checked)
    rows = [(name, _percent(one), _percent(other)) for (name, one), (_, other) in zip(*both, strict=True)]
    if daily := tuned.budget.daily_uploads:
        one, other = _daily(tuned.chosen.missed, daily), _daily(tuned.checked.missed, daily)
        rows.append((f"explicit images missed a day of {daily:,} uploads", one, other))
    return _table(head, rows)


def _volumes(tuned: Tuned) -> str:
    both = by_load(tuned)
    rows = []
    for name, attribute in (("reviews", "review_load"), ("blurred", "blur_load")):
        shares = [getattr(figures, attribute) for _, figures in both]
        rows.append((f"{name}, of uploads", *map(_percent, shares)))
        if daily := tuned.budget.daily_uploads:
            rows.append((f"{name} a day of {daily:,} uploads", *(_daily(share, daily) for share in shares)))
    return _table(("load at the base rates", *(f"on {where}" for where, _ in both)), rows)


def _rows(figures: Figures) -> list[tuple[str, Estimate]]:
    return [
        *((f"recall of {name} (blurred or reviewed)", rate) for name, rate in figures.recall.items()),
        ("explicit images blurred", figures.blurred_explicit),
        ("neutral and drawing images blurred", figures.blurred_safe),
        ("sexy images blurred or reviewed", figures.sexy_caught),
        ("explicit among the blurred", figures.blur_precision),
        ("explicit among the reviewed", figures.review_precision),
        ("explicit among both", figures.catch_precision),
    ]


def _images(tuned: Tuned) -> str:
    rows = [(label, f"{tuned.counts[label]:,}", f"{100 * tuned.rates[label]:.4f} %") for label in LABELS]
    return _table(("class", "images", "share of uploads"), rows)


def _notes(tuned: Tuned) -> str:
    lines = [
        f"{tuned.unscored:,} images could not be scored. Each counts as missed if it is explicit, and as one to look "
        "at whatever it is: an error is never an allow.",
        "Intervals are 95 %. Shares of one class are Clopper and Pearson's, near-duplicates counting once; figures of "
        "uploads add the classes' interval ends at their base rates and are wider than 95 % asks for.",
        "The base rates are taken as given; where they are wrong, precision and loads are wrong in proportion.",
        "All of it holds for uploads whose images of each class look like these. Where they don't, import reviewers' "
        "verdicts (scripts/import_verdicts.py) and tune on those.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _percent(figure: Estimate) -> str:
    if figure.value != figure.value:
        return "none seen"
    return f"{100 * figure.value:.2f} % ({100 * figure.low:.2f} % to {100 * figure.high:.2f} %)"


def _daily(share: Estimate, daily: int) -> str:
    return f"{share.value * daily:,.0f} ({share.low * daily:,.0f} to {share.high * daily:,.0f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def _promise_record(promise: Promise) -> dict[str, Any]:
    return {
        "population": promise.population,
        "target": promise.target,
        "standing": promise.standing.value,
        "chosen_on": figure_record(promise.chosen),
        "checked_on": figure_record(promise.checked),
        "further_images": promise.further,
        "text": str(promise),
    }
