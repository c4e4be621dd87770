"""What reviewers' verdicts say of the service as it ran: precision by action, and recall where sampling allows it.

**Precision** of an action is the share of images with that action that reviewers call explicit. It needs nothing more
than verdicts on such images, all of them or a random sample.

**Recall** is what share of explicit images was blurred or reviewed. It depends on those that were allowed, and nobody
looks at those unless they are sampled: it can be estimated only where a random sample of *allowed* images was looked at
whose probability is known (`sampled`). Each then counts 1/probability (Horvitz and Thompson, Journal of the American
Statistical Association 47, 1952). Images picked because a user reported them or because a score looked odd are no such
sample. Without one, the recall given is of what was looked at, which is too high, and is marked so.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from thresholds.figures import figure_record
from thresholds.intervals import Estimate, Rate
from thresholds.verdict_lines import ERROR, Reviewed
from trust_nsfw.schema import Action

CAUGHT = (Action.BLUR.value, Action.REVIEW.value)
ACTIONS = (*CAUGHT, Action.ALLOW.value, ERROR)


@dataclass(frozen=True, slots=True)
class ActionFigures:
    """One action: images looked at, how many that stands for, and the share of them that is explicit."""

    looked_at: int
    stands_for: float
    explicit: Rate


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """Figures by action, the recall, and what is wrong with it (None: it holds for all traffic)."""

    actions: dict[str, ActionFigures]
    recall: Estimate
    recall_blurred: Estimate
    caveat: str | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, reviewed: Sequence[Reviewed]) -> "LiveFigures":
        """Count. Equal bytes (by sha256) are one independent image to the intervals, however often they came up."""
        groups = group_numbers(reviewed)
        by_action = {action: _figures(reviewed, groups, action) for action in ACTIONS}
        return cls(
            actions=by_action,
            recall=_recall(by_action, CAUGHT),
            recall_blurred=_recall(by_action, (Action.BLUR.value,)),
            caveat=_caveat(reviewed),
            notes=tuple(_notes(reviewed)),
        )

    def record(self) -> dict[str, Any]:
        """Return every figure for verdicts.json."""
        actions = {
            name: asdict(figures) | {"explicit": figure_record(figures.explicit)}
            for name, figures in self.actions.items()
        }
        recalls = {"recall": figure_record(self.recall), "recall_blurred": figure_record(self.recall_blurred)}
        return {"actions": actions, **recalls, "recall_caveat": self.caveat, "notes": list(self.notes)}

    def __str__(self) -> str:
        lines = ["action   looked at   stands for   explicit"]
        lines += [
            f"{name:<8} {figures.looked_at:>9,} {figures.stands_for:>12,.0f}   {figures.explicit}"
            for name, figures in self.actions.items()
        ]
        lines.append(f"recall (blurred or reviewed): {self.recall}; blurred alone: {self.recall_blurred}")
        lines.append(self.caveat or "the recall holds for all traffic that the samples were drawn from")
        return "\n".join([*lines, *self.notes])


def group_numbers(reviewed: Sequence[Reviewed]) -> list[int | None]:
    """Return a number per image that equal bytes share; None where the answer does not tell the bytes."""
    numbers: dict[str, int] = {}
    digests = [one.image.get("sha256") for one in reviewed]
    return [numbers.setdefault(one, len(numbers)) if isinstance(one, str) else None for one in digests]


def _figures(reviewed: Sequence[Reviewed], groups: Sequence[int | None], action: str) -> ActionFigures:
    chosen = [place for place, one in enumerate(reviewed) if one.action == action]
    weights = np.array([reviewed[place].weight for place in chosen])
    explicit = np.array([reviewed[place].is_explicit for place in chosen], dtype=bool)
    alike = [len(groups) + place if groups[place] is None else groups[place] for place in chosen]
    return ActionFigures(len(chosen), float(weights.sum()), Rate.of(explicit, weights, np.array(alike, dtype=np.int64)))


def _recall(actions: dict[str, ActionFigures], caught: Sequence[str]) -> Estimate:
    """Return the caught share of explicit images; the interval adds the actions' own ends against each other."""

    def total(end: str, *, of_caught: bool) -> float:
        some = [one for name, one in actions.items() if one.looked_at and (name in caught) is of_caught]
        return float(sum(one.stands_for * getattr(one.explicit, end) for one in some))

    def share(hits: float, misses: float, otherwise: float) -> float:
        return hits / (hits + misses) if hits + misses else otherwise

    return Estimate(
        share(total("value", of_caught=True), total("value", of_caught=False), float("nan")),
        share(total("low", of_caught=True), total("high", of_caught=False), 0.0),
        share(total("high", of_caught=True), total("low", of_caught=False), 1.0),
    )


def _caveat(reviewed: Sequence[Reviewed]) -> str | None:
    allowed = [one for one in reviewed if one.action == Action.ALLOW]
    if not allowed:
        return "nobody looked at allowed images, so the recall is only of what was caught and says nothing of the rest"
    if blind := sum(not one.is_sampled for one in allowed):
        return (
            f"{blind:,} of {len(allowed):,} allowed images don't say with what probability they were sampled, so the "
            "recall is only of what was looked at; it is estimable from a random sample of allowed images"
        )
    return None


def _notes(reviewed: Sequence[Reviewed]) -> list[str]:
    notes = []
    for what, values in (
        ("policies", {one.policy for one in reviewed}),
        ("checkpoints", {one.checkpoint for one in reviewed}),
    ):
        if len(values) > 1:
            named = ", ".join(sorted(f"{value:.20}" if value else "unnamed" for value in values))
            notes.append(f"the answers come from several {what} ({named}); these figures mix them")
    views = sum(one.image.get("frames", 1) != 1 or one.image.get("background") is not None for one in reviewed)
    if views:
        notes.append(f"{views:,} animated or transparent images: only the view that decided is stored, and is tuned on")
    verdicts: dict[str, set[str]] = {}
    for one in reviewed:
        if isinstance(digest := one.image.get("sha256"), str):
            verdicts.setdefault(digest, set()).add(one.label)
    if conflicts := sum(len(labels) > 1 for labels in verdicts.values()):
        notes.append(f"reviewers disagree on {conflicts:,} images, which are counted once under each verdict")
    return notes
