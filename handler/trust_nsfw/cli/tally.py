"""How many images came to which end, and what that means for whoever asked."""

from collections import Counter
from dataclasses import dataclass, field

from trust_nsfw.cli.lines import ERROR
from trust_nsfw.schema import Action

ENDS = (*Action, ERROR)


@dataclass(slots=True)
class Tally:
    """Counts by action, errors among them."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, action: str) -> None:
        """Count one image."""
        self.counts[action] += 1

    @property
    def exit_code(self) -> int:
        """0 when all are allowed, 1 when there is something to act on, 2 when anything failed."""
        if self.counts[ERROR]:
            return 2
        return 1 if self.counts[Action.REVIEW] or self.counts[Action.BLUR] else 0

    def __str__(self) -> str:
        return ", ".join(f"{self.counts[end]:,} {end}" for end in ENDS)
