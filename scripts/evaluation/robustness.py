"""What a policy still catches when pictures are changed: each is transformed, re-encoded and scored like any upload."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from evaluation.labelled_files import LabelledFile
from evaluation.metrics import Share
from evaluation.moderation import EXPLICIT, SAFE, actions_of
from evaluation.predicting import BATCH_IMAGES, Progress
from evaluation.prediction import Prediction
from evaluation.scorers import Scorer
from evaluation.transformations import LARGEST_GROWTH, TRANSFORMATIONS
from trust_nsfw.errors import ServiceError
from trust_nsfw.images import decode
from trust_nsfw.policy import Policy, decide
from trust_nsfw.schema import LABELS, Action, Failure, Scores
from trust_nsfw.settings import Limits

LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one image: its true label, and label and action before and after; None where scoring failed."""

    truth: str
    label_before: str
    action_before: Action
    label_after: str | None
    action_after: Action | None


@dataclass(frozen=True, slots=True)
class Effect:
    """One transformation's effect, or of "original" none.

    Of explicit images: how many are blurred (`recall`), how many at least not allowed (`stopped`). Of all: whose label
    or action changed, whose action became milder. Of safe ones: how many are allowed. An image that failed counts in
    `failed` only.
    """

    name: str
    title: str
    images: int
    failed: int
    recall: Share
    stopped: Share
    changed_actions: Share
    milder_actions: Share
    changed_labels: Share
    safe_rate: Share

    @classmethod
    def of(cls, name: str, title: str, seen: Sequence[Seen]) -> "Effect":
        """Count."""
        fine = [(one, one.action_after) for one in seen if one.action_after is not None]
        explicit = [action for one, action in fine if one.truth in EXPLICIT]
        safe = [action for one, action in fine if one.truth in SAFE]
        changed = [(one.action_before, action) for one, action in fine if action is not one.action_before]
        return cls(
            name=name,
            title=title,
            images=len(fine),
            failed=len(seen) - len(fine),
            recall=Share.of(explicit.count(Action.BLUR), len(explicit)),
            stopped=Share.of(len(explicit) - explicit.count(Action.ALLOW), len(explicit)),
            changed_actions=Share.of(len(changed), len(fine)),
            milder_actions=Share.of(sum(after.severity < before.severity for before, after in changed), len(fine)),
            changed_labels=Share.of(sum(one.label_before != one.label_after for one, _ in fine), len(fine)),
            safe_rate=Share.of(safe.count(Action.ALLOW), len(safe)),
        )


@dataclass(frozen=True, slots=True)
class Robustness:
    """The effects on a sample spread evenly over the classes; `left_out` of it are animated or transparent.

    `made_smaller` are so large that a change could make them larger than the service takes: they were scaled down
    before all changes, the control's included.
    """

    sampled: int
    left_out: int
    made_smaller: int
    effects: tuple[Effect, ...] = field(default_factory=tuple)


def sample(predictions: Sequence[Prediction], limit: int) -> list[int]:
    """Return the places of at most `limit` scored images: the classes in turn, in the order of their sha256."""
    queues = {
        label: sorted(
            (place for place, one in enumerate(predictions) if one.label == label and one.scores is not None),
            key=lambda place: (predictions[place].sha256, place),
        )
        for label in LABELS
    }
    chosen: list[int] = []
    for turn in range(max(map(len, queues.values()))):
        chosen += [queue[turn] for queue in queues.values() if turn < len(queue)]
    return chosen[:limit]


def measure(
    files: Sequence[LabelledFile],
    predictions: Sequence[Prediction],
    scorer: Scorer,
    policy: Policy,
    progress: Progress = lambda _: None,
    *,
    limits: Limits = LIMITS,
) -> Robustness:
    """Transform and score some files, each with the prediction of what it was before.

    Progress counts an image once for each transformation. `limits` are those of who scores.
    """
    before = actions_of(predictions, policy)
    seen: dict[str, list[Seen]] = {one.name: [] for one in TRANSFORMATIONS}
    original: list[Seen] = []
    left_out, made_smaller = 0, 0
    for start in range(0, len(files), BATCH_IMAGES):
        pictures, batch = [], []
        for place in range(start, min(start + BATCH_IMAGES, len(files))):
            if (picture := still(files[place].path.read_bytes())) is None:
                left_out += 1
                progress(len(TRANSFORMATIONS))
                continue
            fitting = with_room(picture, limits)
            made_smaller += fitting.size != picture.size
            pictures.append(fitting)
            batch.append((predictions[place], before[place]))
        original += [_seen(one, action, Scores(**(one.scores or {})), policy) for one, action in batch]
        for transformation in TRANSFORMATIONS if pictures else ():
            results = scorer.score([transformation.apply(picture) for picture in pictures])
            seen[transformation.name] += [
                _seen(one, action, result, policy) for (one, action), result in zip(batch, results, strict=True)
            ]
            progress(len(pictures))
    effects = [Effect.of("original", "as it came", original)]
    effects += [Effect.of(one.name, one.title, seen[one.name]) for one in TRANSFORMATIONS]
    return Robustness(len(files), left_out, made_smaller, tuple(effects))


def with_room(picture: Image.Image, limits: Limits) -> Image.Image:
    """Return a picture that stays within the limits of one picture whatever is done to it, smaller where need be."""
    growth = LARGEST_GROWTH * 1.005  # what comes of it is rounded to whole pixels
    by_side = limits.max_side_px / max(picture.size) / growth
    by_pixels = math.sqrt(limits.max_pixels / picture.width / picture.height) / growth
    scale = min(1.0, by_side, by_pixels)
    if scale == 1:
        return picture
    size = max(1, int(picture.width * scale)), max(1, int(picture.height * scale))
    return picture.resize(size, Image.Resampling.LANCZOS)


def still(payload: bytes) -> Image.Image | None:
    """Return an image's only view in RGB; None for one with several, which one changed picture can't stand for."""
    try:
        image = decode(payload, LIMITS)
        view = next(iter(image.views))
    except ServiceError:
        return None
    return view.rgb if image.frames == 1 and view.background is None else None


def _seen(before: Prediction, action: Action, after: Scores | Failure, policy: Policy) -> Seen:
    label = Scores(**(before.scores or {})).label
    if isinstance(after, Failure):
        return Seen(before.label, label, action, None, None)
    return Seen(before.label, label, action, after.label, decide(after, policy).action)
