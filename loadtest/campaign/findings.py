"""What a record means, in sentences and verdicts: how much, at what latency, what past that."""

from dataclasses import dataclass
from enum import StrEnum

from campaign import groups
from campaign.record import Overload, Run, TargetRecord
from measuring.spread import Spread
from measuring.tables import number

QUICK_REFUSAL_MS = 250  # a caller told so soon can still ask another server within a second
RECOVERY_SECONDS = 10  # what a server owes its callers after a rush


class Level(StrEnum):
    """How a behaviour is to be taken."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One question about overload, what was found, and how to take it."""

    level: Level
    question: str
    answer: str


def capacity(target: TargetRecord) -> str:
    """Return how much it can take."""
    spread = groups.at_capacity(target).spread(groups.answered)
    return f"It takes {rate(target.capacity_per_s)} with {users(target.capacity_users)} waiting{_between(spread)}."


def at_what_latency(target: TargetRecord) -> str:
    """Return the knee in a sentence."""
    knee = target.knee
    if knee.rate_per_s is None:
        return f"No rate that was tried kept p99 within {ms(knee.objective_ms)} without an error."
    return (
        f"Up to {rate(knee.rate_per_s)} arriving whenever they will, p99 stays within {ms(knee.objective_ms)} "
        f"(it was {ms(knee.p99_ms)}) and nothing fails."
    )


def past_that(target: TargetRecord) -> str:
    """Return what happens at the overload in a sentence."""
    found = overload_verdicts(target)
    wrong = [verdict.answer for verdict in found if verdict.level in (Level.BAD, Level.DOUBTFUL)]
    over = f"At {overload_title(target)}"
    if wrong:
        return f"{over}: " + "; ".join(wrong) + "."
    return f"{over}: " + "; ".join(verdict.answer for verdict in found[:3]) + "; no worker restarts and nothing hangs."


def overload_verdicts(target: TargetRecord) -> list[Verdict]:
    """Return refusals, accepted requests, recovery, workers, hung requests, and failures of the backend where there
    were any, in this order.
    """
    over = target.overload
    found = [
        _refusals(over.run),
        _accepted(over.run, target.knee.objective_ms),
        _recovery(over),
        _workers(over),
        _zero("Requests that hung", over.unanswered, "nothing hung", "request never ended"),
    ]
    if over.failed:
        times = "once" if over.failed == 1 else f"{over.failed:,} times"
        found.append(Verdict(Level.BAD, "Backend", f"the backend failed {times}"))
    return found


def rate(per_s: float) -> str:
    """Return requests per second with their unit."""
    return f"{number(per_s)} requests/s"


def ms(value: float | None) -> str:
    """Return milliseconds with their unit."""
    return "unknown" if value is None else f"{digits(value)} ms"


def digits(value_ms: float) -> str:
    """Return milliseconds without their unit, as exact as they are worth: 1,234 or 12, 5.1, 0.25."""
    return f"{value_ms:,.{0 if value_ms >= 10 else 1 if value_ms >= 1 else 2}f}"


def overload_share(target: TargetRecord) -> float | None:
    """Return the offered rate over capacity as a share of the best rate seen; None without one."""
    offered, best = target.overload.run.offered_per_s, target.overload.capacity_per_s
    return offered / best if offered and best else None


def overload_title(target: TargetRecord) -> str:
    """Return what the overload's rate is a share of, in words without a capital: "150 % of capacity"."""
    share = overload_share(target)
    if share is None:
        return "more than that"
    of = "capacity" if target.overload.capacity_per_s <= target.capacity_per_s else "the best rate seen"
    return f"{100 * share:.0f} % of {of}"


def _refusals(run: Run) -> Verdict:
    question, refused = "Refusals", run.outcomes.get("refused", 0)
    if not refused:
        return Verdict(Level.DOUBTFUL, question, "nothing was refused, so the queue never filled")
    soon = None if run.refusal_latency is None else run.refusal_latency.p99
    if soon is None:
        return Verdict(Level.UNKNOWN, question, f"{number(groups.refused(run))}/s refused")
    level = Level.GOOD if soon <= QUICK_REFUSAL_MS else Level.BAD
    pace = "at once" if level is Level.GOOD else "slowly"
    return Verdict(level, question, f"{number(groups.refused(run))}/s refused {pace}, p99 {ms(soon)}")


def _accepted(run: Run, objective_ms: float) -> Verdict:
    question = "Accepted requests"
    if run.latency is None:
        return Verdict(Level.BAD, question, "no accepted request was answered rightly")
    lost = [f"{count:,} {name}" for name in ("late", "wrong", "lost") if (count := run.outcomes.get(name, 0))]
    if lost:
        return Verdict(Level.BAD, question, f"{' and '.join(lost)} among the accepted, p99 {ms(run.latency.p99)}")
    if run.latency.p99 <= objective_ms:
        return Verdict(Level.GOOD, question, f"accepted ones answered with p99 {ms(run.latency.p99)}")
    level = Level.DOUBTFUL if run.latency.p99 <= 2 * objective_ms else Level.BAD
    return Verdict(level, question, f"accepted ones wait, p99 {ms(run.latency.p99)}, beyond {ms(objective_ms)}")


def _recovery(over: Overload) -> Verdict:
    question, seconds = "Recovery", over.recovered_seconds
    if seconds is None:
        return Verdict(Level.BAD, question, f"no recovery within the {over.watched_seconds:.0f} s that were watched")
    if seconds > RECOVERY_SECONDS:
        return Verdict(Level.BAD, question, f"back to normal only {seconds:.1f} s after the load")
    return Verdict(Level.GOOD, question, f"back to normal {seconds:.1f} s after the load")


def _workers(over: Overload) -> Verdict:
    question = "Workers"
    if over.workers_after is None:
        return Verdict(Level.BAD, question, "the server answered no more afterwards: it ended under the load")
    if not over.workers_after:
        return Verdict(Level.BAD, question, "no worker was ready any more a minute after it")
    return _zero(question, over.workers_restarted, "no worker restarted", "worker restarted")


def _zero(question: str, count: int, none: str, some: str) -> Verdict:
    if not count:
        return Verdict(Level.GOOD, question, none)
    return Verdict(Level.BAD, question, f"{count:,} {some.replace(' ', 's ', 1) if count > 1 else some}")


def users(count: int) -> str:
    """Return how many users."""
    return f"{count} user{'s' * (count != 1)}"


def _between(spread: Spread | None) -> str:
    return "" if spread is None or spread.least == spread.most else f" ({between(spread)} over the rounds)"


def between(spread: Spread) -> str:
    """Return least to most."""
    return f"{number(spread.least)} to {number(spread.most)}"
