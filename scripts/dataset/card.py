"""The data card: what is in a data set, where it comes from, and what is wrong with it."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np

from dataset.assembly import Assembly
from dataset.example import SPLITS, Example
from dataset.grouping import MAX_HASH_DISTANCE, MIN_CORRELATION
from dataset.intake import Intake
from dataset.source_image import Origin
from dataset.splitting import SplitMethod
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import LABELS

Card = dict[str, Any]
LIBRARIES = ("pillow", "pillow-heif", "ImageHash", "numpy", "scipy", "scikit-learn", "datasets")
"""Whose versions can change what is kept, grouped or split."""

WANTED_SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
SHARE_TOLERANCE = 0.02
PERCENTILES = (0, 5, 25, 50, 75, 95, 100)


def make_card(
    origin: Origin,
    intake: Intake,
    assembly: Assembly,
    spec: PreprocessingSpec,
    *,
    fingerprint: str,
    method: SplitMethod,
    seed: int,
) -> Card:
    """Return the card; the same images and settings give the same card."""
    examples = assembly.examples
    members = Counter(example.group for example in examples)
    shared = [count for count in members.values() if count > 1]
    card: Card = {
        "fingerprint": fingerprint,
        "source": asdict(origin),
        "images": len(examples),
        "bytes": sum(one.size_bytes for one in assembly.kept),
        "split": {"method": method, "seed": seed},
        "counts": {split: _counts(one.label for one in examples if one.split == split) for split in SPLITS},
        "missing_classes": [label for label in LABELS if label not in {one.label for one in examples}],
        "quarantined": {"images": len(intake.quarantined), "by_code": _ranked(one.code for one in intake.quarantined)},
        "exact_duplicates": len(intake.duplicates),
        "near_duplicates": {
            "groups": len(shared),
            "images": sum(shared),
            "largest_group": max(shared, default=1),
            "groups_by_size": {str(size): number for size, number in sorted(Counter(members.values()).items())},
            "max_hash_distance": MAX_HASH_DISTANCE,
            "min_correlation": MIN_CORRELATION,
        },
        "conflicts": {
            "groups": len({one.group for one in assembly.conflicts}),
            "images": sum(example.conflicting for example in examples),
            "between": _ranked(_pairs_of_labels(assembly)),
        },
        "leak": asdict(assembly.leak),
        "formats": _ranked(example.format for example in examples),
        "sizes": {
            "longer_side_px": _percentiles([max(one.width, one.height) for one in examples]),
            "shorter_side_px": _percentiles([min(one.width, one.height) for one in examples]),
            "aspect": _percentiles([round(one.width / one.height, 3) for one in examples]),
            "kilobytes": _percentiles([round(one.size_bytes / 1000, 1) for one in assembly.kept]),
        },
        "preprocessing": spec.record,
        "versions": {"python": sys.version.split()[0], **{name: version(name) for name in LIBRARIES}},
    }
    return card | {"warnings": _warnings(card, examples)}


def _warnings(card: Card, examples: Sequence[Example]) -> list[str]:
    """Return what somebody who trains on this must know, a sentence each, the worst first."""
    found = []
    if missing := card["missing_classes"]:
        found.append(f"There is no image of class {', '.join(missing)}: a model trained on this will never predict it.")
    leak = card["leak"]
    if leak["groups"] or leak["copies"]:
        found.append(
            f"The splits leak: {leak['groups']:,} groups of near-duplicates ({leak['images']:,} images) lie in more "
            f"than one split, and {leak['copies']:,} exact copies of images fell into another one. "
            "Figures measured on validation and test are too good."
        )
    for split, counts in card["counts"].items():
        if empty := [label for label in LABELS if label not in card["missing_classes"] and not counts[label]]:
            found.append(f"Split {split} has no image of {', '.join(empty)}.")
        share = sum(counts.values()) / len(examples)
        if abs(share - WANTED_SHARES[split]) > SHARE_TOLERANCE:
            found.append(
                f"Split {split} has {100 * share:.1f} % of the images instead of {100 * WANTED_SHARES[split]:.0f} %; "
                f"the largest group has {card['near_duplicates']['largest_group']:,}."
            )
    if groups := card["conflicts"]["groups"]:
        found.append(
            f"In {groups:,} groups near-duplicates have different labels ({card['conflicts']['images']:,} images): "
            "conflicts.csv lists them, and at most one label of each can be right."
        )
    if images := card["quarantined"]["images"]:
        found.append(f"Left out, because they can't be read or decoded: {images:,}. quarantine.csv lists them.")
    return found


def _pairs_of_labels(assembly: Assembly) -> Iterable[str]:
    """Yield, for each group in conflict, which labels its images have."""
    labels: dict[int, set[str]] = {}
    for conflict in assembly.conflicts:
        labels.setdefault(conflict.group, set()).add(conflict.label)
    return (" and ".join(sorted(found)) for found in labels.values())


def _counts(labels: Iterable[str]) -> dict[str, int]:
    found = Counter(labels)
    return {label: found[label] for label in LABELS}


def _ranked(values: Iterable[str]) -> dict[str, int]:
    """Return how often each value occurs, the most frequent first, equals by name."""
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    found = np.percentile(values, PERCENTILES)
    return {f"p{share}": round(float(value), 3) for share, value in zip(PERCENTILES, found, strict=True)}
