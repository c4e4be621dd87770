"""Predictions made up by hand: a label and the scores it got, from distributions whose right threshold is known."""

from evaluation.prediction import Prediction
from trust_nsfw.schema import LABELS


def prediction(label: str, group: int | None = None, file: str = "a.png", **scores: float) -> Prediction:
    """Return one image's; what the scores given lack to 1 goes to neutral."""
    rest = {"neutral": round(1 - sum(scores.values()), 6)} if "neutral" not in scores else {}
    complete = {one: float((scores | rest).get(one, 0.0)) for one in LABELS}
    return Prediction(file, label, complete, None, "", "PNG", 8, 8, group)


def unscored(label: str) -> Prediction:
    """Return an image that could not be scored."""
    return Prediction("bad.png", label, None, "corrupt_image", "", None, None, None, None)


def ladder(label: str, count: int, low: float = 0.0, high: float = 1.0, score: str = "porn") -> list[Prediction]:
    """Return images whose one score is spread evenly: that of the k-th is low + (high - low)(k + 1/2) / count."""
    values = [low + (high - low) * (place + 0.5) / count for place in range(count)]
    return [prediction(label, file=f"{label}{k}.png", **{score: round(value, 6)}) for k, value in enumerate(values)]


def evenly_spread(count: int = 200) -> list[Prediction]:
    """Return five classes: explicit scores over 0 to 1 for porn and hentai, over 0 to 0.5 for the others."""
    explicit = [one for label in ("porn", "hentai") for one in ladder(label, count, score=label)]
    return explicit + [one for label in ("neutral", "drawing", "sexy") for one in ladder(label, count, high=0.5)]
