"""Stored scores under two policies: which images would be treated otherwise."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from trust_nsfw.cli.lines import StoredResult
from trust_nsfw.policy import Policy, decide
from trust_nsfw.schema import Action, Reason

Change = tuple[Action, Action]
"""The first policy's action and the second's."""


@dataclass(frozen=True, slots=True)
class Example:
    """One image that changes, and the second policy's reasons."""

    name: str
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class Comparison:
    """How many images go from which action to which, and the first examples of each change.

    `errors` are images without scores. `partial` are those of which more than one picture was scored (an animation's
    frames, a transparent image's backgrounds): only the one that decided is stored, so they are replayed on that alone.
    """

    counts: Counter[Change] = field(default_factory=Counter)
    examples: dict[Change, list[Example]] = field(default_factory=dict)
    errors: int = 0
    partial: int = 0

    @property
    def total(self) -> int:
        """Images that were replayed."""
        return self.counts.total()

    @property
    def changed(self) -> int:
        """Images that the two policies treat differently."""
        return sum(count for (before, after), count in self.counts.items() if before is not after)


def compare(results: Iterable[StoredResult], first: Policy, second: Policy, most_examples: int) -> Comparison:
    """Decide on every stored result by both policies."""
    comparison = Comparison()
    for result in results:
        if result.scores is None:
            comparison.errors += 1
            continue
        decision = decide(result.scores, second)
        change = decide(result.scores, first).action, decision.action
        comparison.counts[change] += 1
        comparison.partial += result.views
        if change[0] is not change[1]:
            examples = comparison.examples.setdefault(change, [])
            if len(examples) < most_examples:
                examples.append(Example(result.name, decision.reasons))
    return comparison
