"""Golden pairs: generated pictures and what a pipeline makes of them, recorded when an archive is built."""

from base64 import b64encode

from archiving.golden_pictures import golden_pictures
from trust_nsfw.errors import CheckpointError
from trust_nsfw.manifest import GoldenPair
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.schema import Answer, Item, Request, Verdict

GOLDEN_DECIMALS = 4


def golden_pairs(pipeline: Pipeline) -> tuple[GoldenPair, ...]:
    """Score every golden picture alone, as `trust_nsfw.golden` will; raises CheckpointError where that fails."""
    return tuple(_pair(picture, pipeline) for picture in golden_pictures())


def _pair(picture: bytes, pipeline: Pipeline) -> GoldenPair:
    [answer] = pipeline.classify([Request(items=(Item(picture),))])
    if not isinstance(answer, Answer) or not isinstance(verdict := answer.results[0], Verdict):
        raise CheckpointError(f"the checkpoint does not score a golden picture: {answer}")
    scores = {label: round(score, GOLDEN_DECIMALS) for label, score in verdict.scores.classes().items()}
    return GoldenPair(b64encode(picture).decode(), scores)
