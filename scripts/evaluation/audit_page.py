"""An audit's contact sheets and its page."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluation.audit import Audit
from evaluation.charts import slices_png
from evaluation.contact_sheets import COLUMNS, MOST_TILES, Tile, sheet_png
from evaluation.mistakes import Kind, Mistake
from evaluation.neighbours import Neighbour
from evaluation.report import interval, percent
from evaluation.thumbnails import is_hidden

TEMPLATE = "audit.html.j2"
SIDES = tuple(
    (kind.slug, "false negatives" if kind.is_false_negative else "false positives" if kind.is_false_positive else "")
    for kind in Kind
)


class Sheets:
    """What is drawn of an audit. `paths` are the evaluated images' by name, `training` is where its images lie."""

    def __init__(self, audit: Audit, paths: Mapping[str, Path], training: Path, *, show: bool) -> None:
        self._audit, self._paths, self._training, self._show = audit, paths, training, show
        self._suspects = {one.place: one.likely for one in audit.label_errors}

    def pngs(self) -> dict[str, bytes]:
        """Return the sheets and the slices' chart by name; no sheet where there is nothing to show."""
        sheets = {
            kind.slug: [self._mistake(one) for one in self._audit.mistakes if one.kind is kind][:MOST_TILES]
            for kind in Kind
        }
        sheets["label_errors"] = [
            self._tile(
                one.place,
                f"{rank}. {self._audit.predictions[one.place].label}, or {one.likely}?",
                self._score(one.place, one.likely),
            )
            for rank, one in enumerate(self._audit.label_errors[:MOST_TILES], 1)
        ]
        sheets["near_duplicates"] = self._pairs()
        found = {name: sheet_png(tiles) for name, tiles in sheets.items() if tiles}
        return found | {"slices": slices_png(self._audit.slices)}

    def _mistake(self, one: Mistake) -> Tile:
        label = self._audit.predictions[one.place].label
        caption = f"{self._score(one.place, one.predicted)}\n{self._audit.actions[one.place]}"
        if one.place in self._suspects:
            caption += ", label suspect"
        return self._tile(
            one.place, f"{label}, taken for {one.predicted}" if label != one.predicted else label, caption
        )

    def _tile(self, place: int, title: str, caption: str) -> Tile:
        one = self._audit.predictions[place]
        hidden = is_hidden(one.label, self._audit.actions[place], self._suspects.get(place), show=self._show)
        return Tile(self._paths[one.file], title, one.label, caption, hidden)

    def _score(self, place: int, label: str) -> str:
        return f"{label} {(self._audit.predictions[place].scores or {})[label]:.3f}"

    def _pairs(self) -> list[Tile]:
        """Return an evaluated image and the training image it resembles, side by side; mistakes first."""
        mistaken = {one.place for one in self._audit.mistakes}

        def order(one: Neighbour) -> tuple[bool, bool, int]:
            same = self._audit.predictions[one.place].label == one.training.label
            return one.place not in mistaken, same, one.place

        tiles = []
        for one in sorted(self._audit.neighbours or (), key=order)[: MOST_TILES // 2]:
            wrong = "wrong, " if one.place in mistaken else ""
            label, other = self._audit.predictions[one.place].label, one.training.label
            # Either may be what the other's label says.
            hidden = is_hidden(label, self._audit.actions[one.place], other, show=self._show)
            evaluated = self._tile(one.place, f"evaluated: {label}", f"{wrong}{one.how}, {one.distance} bits")
            tiles += [
                Tile(evaluated.path, evaluated.title, label, evaluated.caption, hidden or evaluated.hidden),
                Tile(self._training / one.training.file, f"training: {other}", other, f"alike by {one.correlation:.2f}",
                     hidden or evaluated.hidden),
            ]  # fmt: skip
        assert COLUMNS % 2 == 0, "pairs stay in one row"
        return tiles


def page(record: Mapping[str, Any], pngs: Mapping[str, bytes]) -> str:
    """Return report.html, which needs nothing else."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "interval": interval}
    images = {name: "data:image/png;base64," + base64.b64encode(png).decode() for name, png in pngs.items()}
    return environment.get_template(TEMPLATE).render(record=record, images=images, sides=SIDES, shown=MOST_TILES)


def summary(record: Mapping[str, Any], sides: Sequence[tuple[str, str]] = SIDES) -> str:
    """Return the answers in a few lines."""
    lines = [f"{record['kinds'][slug]['title']}: {record['kinds'][slug]['hits']:,}" for slug, _ in sides]
    lines.append(f"likely label errors: {record['label_errors']['images']:,}")
    if (seen := record["near_duplicates_of_training"]) is not None:
        lines.append(
            f"near-duplicates of training images: {seen['images']:,}, {seen['among_mistakes']:,} of them wrong"
        )
    return "\n".join(lines)
