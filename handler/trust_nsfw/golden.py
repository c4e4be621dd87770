"""Replay the golden pairs of an archive: an engine that no longer reproduces them must not serve."""

from trust_nsfw.errors import DriftError
from trust_nsfw.manifest import GoldenPair
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.schema import Failure, Item, Request

TOLERANCES = {"fp32": 0.005, "bf16": 0.02, "fp16": 0.02, "int8": 0.03, "int8-dynamic": 0.03}
"""Largest accepted difference of any probability, by precision."""


def replay(pairs: tuple[GoldenPair, ...], pipeline: Pipeline) -> float:
    """Classify every golden picture as a request would be; return the largest difference of any probability.

    Raises DriftError when a difference exceeds the precision's tolerance, or when another class comes out on top
    although the recorded margin between the first two exceeds the tolerance.
    """
    precision = pipeline.engine.precision
    tolerance = TOLERANCES[precision]
    worst = 0.0
    for number, pair in enumerate(pairs, start=1):
        which = f"golden picture {number} of {len(pairs)}"
        [answer] = pipeline.classify([Request(items=(Item(pair.payload),))])
        result = answer if isinstance(answer, Failure) else answer.results[0]
        if isinstance(result, Failure):
            raise DriftError(f"{which} cannot be classified: {result.message}")
        scores = result.scores.classes()
        label = max(scores, key=lambda name: abs(scores[name] - pair.scores[name]))
        difference = abs(scores[label] - pair.scores[label])
        if difference > tolerance:
            raise DriftError(
                f"{which}: {label} is {scores[label]:.4f}, recorded was {pair.scores[label]:.4f}; "
                f"{precision} may differ by {tolerance}"
            )
        first, second = sorted(pair.scores, key=lambda name: pair.scores[name], reverse=True)[:2]
        if pair.scores[first] - pair.scores[second] > tolerance and result.scores.label != first:
            raise DriftError(f"{which}: the top label is {result.scores.label}, recorded was {first}")
        worst = max(worst, difference)
    return worst
