"""The gate before every lossy graph: does it decide as the fp32 reference does, on pictures it has not seen?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from lowering.errors import GateError
from lowering.pictures import PictureFolder
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.schema import LABELS, Action, Answer, Item, Request, Verdict

MIN_IMAGES = 500
MIN_LABEL_AGREEMENT = 0.99
MIN_ACTION_AGREEMENT = 0.995
MIN_EXERCISED = 30
"""Pictures of a class or an action below which agreement on it says little."""

CHUNK_IMAGES = 8

Decided = Mapping[str, Verdict]
"""One picture's verdict under each policy, by the policy's name."""


@dataclass(frozen=True, slots=True)
class GateReport:
    """How a candidate's decisions compare with the reference's.

    Agreements are fractions of `images`, those of actions by policy. A shift is the largest change of any of a
    picture's five probabilities. `labels` and `actions` count the reference's; `unreadable` pictures took no part.
    """

    images: int
    unreadable: int
    label_agreement: float
    action_agreement: dict[str, float]
    blur_to_allow: int
    largest_shift: float
    p99_shift: float
    labels: dict[str, int]
    actions: dict[str, dict[str, int]]

    @classmethod
    def compare(cls, reference: Sequence[Decided], candidate: Sequence[Decided], unreadable: int = 0) -> "GateReport":
        """Compare the same pictures' verdicts; both sequences hold at least one, under the same policies."""
        pairs = list(zip(reference, candidate, strict=True))
        policies = tuple(reference[0])
        scores = [tuple(next(iter(decided.values())).scores for decided in pair) for pair in pairs]
        shifts = [max(abs(one.classes()[label] - other.classes()[label]) for label in LABELS) for one, other in scores]
        actions = {
            policy: [(one[policy].decision.action, other[policy].decision.action) for one, other in pairs]
            for policy in policies
        }
        return cls(
            images=len(pairs),
            unreadable=unreadable,
            label_agreement=_share(one.label == other.label for one, other in scores),
            action_agreement={
                policy: _share(one is other for one, other in moves) for policy, moves in actions.items()
            },
            blur_to_allow=sum(moves.count((Action.BLUR, Action.ALLOW)) for moves in actions.values()),
            largest_shift=max(shifts),
            p99_shift=float(np.quantile(shifts, 0.99)),
            labels=_counts(LABELS, (one.label for one, _ in scores)),
            actions={policy: _counts(Action, (one for one, _ in moves)) for policy, moves in actions.items()},
        )

    @property
    def failures(self) -> tuple[str, ...]:
        """What the gate asks for and the candidate has not shown; empty when it passes."""
        found = []
        if self.images < MIN_IMAGES:
            found.append(f"{self.images} readable images; the gate needs at least {MIN_IMAGES}")
        if self.label_agreement < MIN_LABEL_AGREEMENT:
            found.append(f"top labels agree on {self.label_agreement:.2%}; needed is {MIN_LABEL_AGREEMENT:.1%}")
        for policy, agreement in self.action_agreement.items():
            if agreement < MIN_ACTION_AGREEMENT:
                found.append(
                    f"actions of policy {policy} agree on {agreement:.2%}; needed is {MIN_ACTION_AGREEMENT:.1%}"
                )
        if self.blur_to_allow:
            found.append(f"{self.blur_to_allow} decisions moved from blur to allow; none may")
        return tuple(found)

    @property
    def not_exercised(self) -> tuple[str, ...]:
        """Classes, and actions by policy, of which there were too few pictures to say anything."""
        labels = [label for label, count in self.labels.items() if count < MIN_EXERCISED]
        actions = [
            f"{action} ({policy})"
            for policy, counts in self.actions.items()
            for action, count in counts.items()
            if count < MIN_EXERCISED
        ]
        return (*labels, *actions)

    def as_record(self) -> dict[str, Any]:
        """Return what the manifest keeps: every figure, whether the gate was passed, and what it did not exercise."""
        return {
            **asdict(self),
            "passed": not self.failures,
            "failures": list(self.failures),
            "not_exercised": list(self.not_exercised),
        }

    def table(self) -> str:
        """Return the figures as a Markdown table."""
        rows = [
            ("images (unreadable)", f"{self.images} ({self.unreadable})", f"at least {MIN_IMAGES}"),
            ("top label agrees", f"{self.label_agreement:.2%}", f"at least {MIN_LABEL_AGREEMENT:.1%}"),
            *(
                (f"action agrees, policy {policy}", f"{agreement:.2%}", f"at least {MIN_ACTION_AGREEMENT:.1%}")
                for policy, agreement in self.action_agreement.items()
            ),
            ("blur became allow", str(self.blur_to_allow), "0"),
            ("largest shift of a probability", f"{self.largest_shift:.4f}", "reported"),
            ("its 99th percentile", f"{self.p99_shift:.4f}", "reported"),
            *((f"images of class {label}", _exercised(count), "reported") for label, count in self.labels.items()),
            *(
                (f"images to {action}, policy {policy}", _exercised(count), "reported")
                for policy, counts in self.actions.items()
                for action, count in counts.items()
            ),
        ]
        return "\n".join(
            ["| figure | measured | needed |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
        )


def measure(folder: PictureFolder, reference: Pipeline, candidate: Pipeline) -> GateReport:
    """Score a folder's pictures in both pipelines under every policy and compare; shows its progress.

    Raises GateError when no picture is readable, or when one is readable in one pipeline only.
    """
    decided: dict[Path, tuple[Decided, Decided]] = {}
    files = list(folder.files.values())
    with tqdm(total=len(files), desc="gate", unit=" images") as progress:
        for start in range(0, len(files), CHUNK_IMAGES):
            chunk = files[start : start + CHUNK_IMAGES]
            payloads = [file.read_bytes() for file in chunk]
            both = zip(chunk, _decided(payloads, reference), _decided(payloads, candidate), strict=True)
            for file, one, other in both:
                if (one is None) is not (other is None):
                    raise GateError(f"{file} could be scored by one of the two graphs only")
                if one is not None and other is not None:
                    decided[file] = (one, other)
            progress.update(len(chunk))
    if not decided:
        raise GateError(f"{folder.path} holds no readable picture")
    ones, others = zip(*decided.values(), strict=True)
    return GateReport.compare(ones, others, unreadable=len(files) - len(decided))


def _decided(payloads: Sequence[bytes], pipeline: Pipeline) -> Iterator[Decided | None]:
    """Yield each picture's verdicts, None for one that can't be scored; all policies decide on one computation."""
    items = tuple(Item(payload) for payload in payloads)
    answers = pipeline.classify([Request(items, policy=name, per_item=True) for name in pipeline.policies])
    whole = [answer for answer in answers if isinstance(answer, Answer)]
    if len(whole) < len(answers):  # animations: more views together than one request may have
        yield from (None if len(payloads) == 1 else next(_decided([payload], pipeline)) for payload in payloads)
        return
    for index in range(len(items)):
        results = {answer.policy_name: answer.results[index] for answer in whole}
        verdicts = {name: result for name, result in results.items() if isinstance(result, Verdict)}
        yield verdicts or None


def _share(hits: Iterator[bool]) -> float:
    outcomes = list(hits)
    return sum(outcomes) / len(outcomes)


def _counts(names: Sequence[str] | type[Action], found: Iterator[str]) -> dict[str, int]:
    counted = Counter(str(name) for name in found)
    return {str(name): counted[str(name)] for name in names}


def _exercised(count: int) -> str:
    return str(count) if count >= MIN_EXERCISED else f"not exercised ({count})"
