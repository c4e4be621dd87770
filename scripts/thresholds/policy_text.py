"""The policy file: rules, why they are so, and examples on both sides of every threshold."""

from collections.abc import Iterator, Sequence

import numpy as np

from thresholds.cases import UNIT, Cases
from thresholds.operating_point import OperatingPoint
from trust_nsfw.schema import Action

ACTIONS = tuple(Action)
"""By their numbers in operating_point."""

Example = dict[str, int]
"""Scores by class, in millionths."""


def policy_text(point: OperatingPoint, name: str, version: str, remarks: Sequence[str]) -> str:
    """Return the file; `remarks` go before it as comments, a line each, and must be one line."""
    policy = point.policy(name, version)
    lines = [f"# {remark}".rstrip() for remark in remarks]
    lines += [f"name: {name}", f'version: "{version}"', "rules: # the first rule that matches decides"]
    for rule in policy.rules:
        scores = ", ".join(f"{score}: {value:.6f}" for score, value in rule.thresholds.items())
        lines.append(f"  - {{id: {rule.id}, action: {rule.action}, {rule.match}: {{{scores}}}}}")
    lines += [f"otherwise: {policy.otherwise}", "tests:"]
    for example in examples(point):
        scores = ", ".join(f"{label}: {value / UNIT:.6f}" for label, value in example.items() if value)
        lines.append(f"  - {{scores: {{{scores}}}, action: {expected(point, example)}}}")
    return "\n".join(lines) + "\n"


def examples(point: OperatingPoint) -> list[Example]:
    """Return scores at and just under each threshold, one split between porn and hentai, and pictures beyond doubt."""
    found = [{"porn": UNIT}, {"hentai": UNIT}, {"neutral": UNIT}, {"drawing": UNIT}]
    found += [example for threshold in (point.blur, point.review) for example in _around(threshold, ("porn",))]
    found += _around(point.blur, ("porn", "hentai"))
    found += _around(point.sexy, ("sexy",))
    found += _around(point.nsfw, ("porn", "sexy"))
    unique = {tuple(sorted(example.items())): example for example in found}
    return list(unique.values())


def expected(point: OperatingPoint, example: Example) -> Action:
    """Return the action these scores are meant to get."""
    explicit, sexy = example.get("porn", 0) + example.get("hentai", 0), example.get("sexy", 0)
    row = Cases(
        classes=np.zeros(1, dtype=np.int64),
        explicit=np.array([explicit]),
        sexy=np.array([sexy]),
        nsfw=np.array([explicit + sexy]),
        groups=np.zeros(1, dtype=np.int64),
        weights=np.ones(1),
    )
    return ACTIONS[int(point.actions(row)[0])]


def _around(threshold: int | None, labels: Sequence[str]) -> Iterator[Example]:
    """Yield an example at a threshold and one a millionth below, split evenly over some classes, the rest neutral."""
    if threshold is None:
        return
    for total in (threshold, threshold - 1):
        if 0 < total <= UNIT:
            share, more = divmod(total, len(labels))
            scores = {label: share + (place < more) for place, label in enumerate(labels)}
            yield scores | {"neutral": UNIT - total}
