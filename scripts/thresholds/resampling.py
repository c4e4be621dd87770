"""The same images again, chosen otherwise: folds to check a choice on, and bootstrap draws to see how it moves.

Near-duplicates go together in both. A class keeps its number of groups in both, a group counting for the class of its
first image.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.prediction import EvaluationError
from thresholds.cases import Cases
from thresholds.operating_point import OperatingPoint
from thresholds.search import Search
from thresholds.targets import TargetError, Targets
from trust_nsfw.schema import LABELS

FOLDS = 5


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Images with the actions, int8 [N], of thresholds that were chosen without them.

    `failure` says why there were no thresholds for some of the fifths, whose images are left out; None where there were
    for all.
    """

    cases: Cases
    actions: NDArray[np.int8]
    failure: str | None = None


def held_out_actions(
    cases: Cases, rates: Mapping[str, float], targets: Targets, least_recall: Mapping[str, float], seed: int
) -> HeldOut:
    """Return every image's action by thresholds that were chosen without it.

    Five-fold cross-fitting: each fifth gets the thresholds chosen on the other four. Figures of these actions tell what
    the way of choosing gives on images it has not seen; figures of the final thresholds on the images they were chosen
    on are too good by what they fit of chance. Raises EvaluationError for a class with a single group.
    """
    fold = _folds(cases, np.random.default_rng(seed))
    actions = np.zeros(len(cases), dtype=np.int8)
    done = np.zeros(len(cases), dtype=bool)
    numbers = np.unique(fold)
    failures = []
    for number in numbers:
        out = fold == number
        search = Search(cases.subset(~out), rates, targets)
        try:
            point = search.choose(search.reachable(least_recall))
        except TargetError as error:
            failures.append(error)
            continue
        actions[out] = point.actions(cases.subset(out))
        done |= out
    failure = None
    if failures:
        failure = f"for {len(failures)} of {len(numbers)} held-out fifths there are no thresholds: {failures[0]}"
    return HeldOut(cases.subset(done), actions[done], failure)


def redrawn_points(
    search: Search, least_recall: Mapping[str, float], draws: int, seed: int, progress: Callable[[int], object]
) -> list[OperatingPoint]:
    """Choose again on bootstrap draws of groups (Efron 1979, by clusters); calls `progress` with 1 after each.

    A draw on which a target is out of reach gives no point.
    """
    generator = np.random.default_rng(seed)
    strata = list(_groups_by_class(search.cases))
    places = np.unique(search.cases.groups, return_inverse=True)[1]
    points = []
    for _ in range(draws):
        times = np.zeros(places.max() + 1)
        for groups in strata:
            drawn = generator.choice(groups, len(groups))
            np.add.at(times, drawn, 1)
        weights = search.cases.weights * times[places]
        try:
            points.append(search.choose(search.reachable(least_recall, weights), weights))
        except TargetError:
            continue
        finally:
            progress(1)
    return points


def _folds(cases: Cases, generator: np.random.Generator) -> NDArray[np.int64]:
    places = np.unique(cases.groups, return_inverse=True)[1]
    fold_of_group = np.zeros(places.max() + 1, dtype=np.int64)
    start = 0
    for groups in _groups_by_class(cases):
        if len(groups) < 2:
            label = LABELS[cases.classes[np.flatnonzero(places == groups[0])[0]]]
            raise EvaluationError(
                f"{label} has one image or one group of near-duplicates; two are the least to check on"
            )
        fold_of_group[generator.permutation(groups)] = (np.arange(len(groups)) + start) % FOLDS
        start += len(groups)
    return np.asarray(fold_of_group[places])


def _groups_by_class(cases: Cases) -> Iterator[NDArray[np.int64]]:
    """Yield each class's groups, as places among the sorted group numbers."""
    _, first = np.unique(cases.groups, return_index=True)
    for place in range(len(LABELS)):
        groups = np.flatnonzero(cases.classes[first] == place)
        if len(groups):
            yield groups
