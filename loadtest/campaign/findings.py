"""What a record means, in sentences and verdicts: how much, at what latency, what past that, and what to doubt."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from campaign import groups
from campaign.groups import Group
from campaign.record import Overload, Record, Run, TargetRecord
from measuring.spread import Spread
from measuring.tables import number

QUICK_REFUSAL_MS = 250  # a caller told so soon can still ask another server within a second
RECOVERY_SECONDS = 10  # what a server owes its callers after a rush
LATE_SENDING_MS = 50  # beyond it the offered load is no longer the one that was meant
WIDE_SPREAD = 0.10  # least to most of the rounds, of the median: the machine was not quiet
RELIABLE_COUNT = 100  # with fewer answers the p99 is simply the slowest one
CACHED_SHARE = 0.01
NEAR_OFFERED = 0.95  # of the offered rate; below it something is lost under way
NAMED = 3  # runs named in one doubt; the rest are counted


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
    return f"It takes {rate(target.capacity_per_s)} with {_users(target.capacity_users)} waiting{_between(spread)}."


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
    over = f"At {_overload_share(target)}"
    if wrong:
        return f"{over}: " + "; ".join(wrong) + "."
    return f"{over}: " + "; ".join(verdict.answer for verdict in found[:3]) + "; no worker restarts and nothing hangs."


def overload_verdicts(target: TargetRecord) -> list[Verdict]:
    """Return refusals, accepted requests, recovery, workers and hung requests, in this order."""
    over = target.overload
    return [
        _refusals(over.run),
        _accepted(over.run, target.knee.objective_ms),
        _recovery(over),
        _zero("Workers restarted", over.workers_restarted, "no worker restarted", "worker restarted"),
        _zero("Requests that hung", over.unanswered, "nothing hung", "request never ended"),
    ]


def doubts(record: Record) -> list[str]:
    """Return what speaks against taking the figures as they stand; empty when nothing does."""
    found = list(_of_the_generator(record))
    if record.rounds < 2:
        found.append("One round only: how far figures differ from run to run is unknown.")
    for name, target in record.targets.items():
        found += [f"{groups.title(name)}: {doubt}" for doubt in _of_target(target)]
    cached = sum(run.server.cache_hits for _, run in groups.labelled_runs(record))
    looked_up = cached + sum(run.server.cache_misses for _, run in groups.labelled_runs(record))
    if looked_up and cached > CACHED_SHARE * looked_up:
        found.append(f"{100 * cached / looked_up:.0f} % of the images came from the score cache, which flatters.")
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
    """Return the offered rate over capacity as a share of it; None without a capacity."""
    offered = target.overload.run.offered_per_s
    return offered / target.capacity_per_s if offered and target.capacity_per_s else None


def _overload_share(target: TargetRecord) -> str:
    share = overload_share(target)
    return "more than that" if share is None else f"{100 * share:.0f} % of capacity"


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


def _zero(question: str, count: int, none: str, some: str) -> Verdict:
    if not count:
        return Verdict(Level.GOOD, question, none)
    return Verdict(Level.BAD, question, f"{count:,} {some.replace(' ', 's ', 1) if count > 1 else some}")


def _of_the_generator(record: Record) -> Iterator[str]:
    runs = groups.labelled_runs(record)
    starved = [_where(name, run) for name, run in runs if run.generator.starved]
    if starved:
        yield (
            f"The load generator was starved of CPU in {_named(starved)}: those latencies are partly its own, "
            "and the rates too low. Give it more processes or another machine."
        )
    late = [_where(name, run) for name, run in runs if run.generator.sent_late_p99_ms > LATE_SENDING_MS]
    if late:
        yield f"Requests were sent more than {LATE_SENDING_MS} ms late (p99) in {_named(late)}."


def _of_target(target: TargetRecord) -> Iterator[str]:
    yield from _of_capacity(target)
    yield from _of_open_loop(target)
    runs = (*target.closed, *target.mixed, *target.open)
    for outcome, meaning in (("wrong", "answered wrongly"), ("lost", "lost"), ("late", "answered after the deadline")):
        if count := sum(run.outcomes.get(outcome, 0) for run in runs):
            where = [_where("", run) for run in runs if run.outcomes.get(outcome, 0)]
            yield f"{count:,} request{'s were' if count > 1 else ' was'} {meaning}, in {_named(where)}."
    refused = [_where("", run) for run in (*target.closed, *target.mixed) if run.outcomes.get("refused", 0)]
    if refused:
        yield f"The queue refused requests in {_named(refused)}, so the rates there hold refusals too."
    few = [_where("", run) for run in runs if run.latency is not None and run.latency.count < RELIABLE_COUNT]
    if few:
        yield f"Fewer than {RELIABLE_COUNT} answers in {_named(few)}: the p99 there is the slowest answer."
    for verdict in overload_verdicts(target):
        if verdict.level in (Level.BAD, Level.DOUBTFUL):
            yield f"past capacity, {verdict.answer}."


def _of_capacity(target: TargetRecord) -> Iterator[str]:
    most = max((run.users or 0 for run in target.closed), default=0)
    several = len({run.users for run in target.closed}) > 1
    if several and target.capacity_users == most:
        yield f"Throughput was highest at the most users tried ({most}); the capacity may lie higher."
    spread = groups.at_capacity(target).spread(groups.answered)
    if spread and spread.most - spread.least > WIDE_SPREAD * spread.median:
        apart = 100 * (spread.most - spread.least) / spread.median
        yield f"The rounds' capacities lie {apart:.0f} % apart; the machine was not quiet."


def _of_open_loop(target: TargetRecord) -> Iterator[str]:
    knee = target.knee
    if knee.rate_per_s is None:
        yield f"No knee: no rate tried kept p99 within {ms(knee.objective_ms)} without an error."
    elif knee.rate_per_s >= max((tried for tried, _, _ in knee.tried), default=0):
        yield f"The knee is the highest rate tried ({rate(knee.rate_per_s)}); it may lie higher."
    under = [group for group in groups.by_setting(target.open) if _is_under(group, target.capacity_per_s)]
    for group in under:
        p99 = group.median(groups.percentile("p99"))
        if p99 is not None and p99 > knee.objective_ms:
            yield f"At {group.setting} of capacity p99 is {ms(p99)} already, beyond {ms(knee.objective_ms)}."
        got, meant = group.median(groups.answered) or 0, group.median(groups.offered) or 0
        if got < NEAR_OFFERED * meant:
            yield f"At {group.setting} of capacity only {rate(got)} of {rate(meant)} were answered."


def _is_under(group: Group, capacity_per_s: float) -> bool:
    return (group.median(groups.offered) or 0) < 0.9 * capacity_per_s


def _where(name: str, run: Run) -> str:
    words = [groups.title(name), "" if run.stage == "closed" else run.stage, run.setting]
    return " ".join(word for word in words if word)


def _named(runs: Iterable[str]) -> str:
    """Return the first few settings with their number of runs, and how many more settings there are."""
    counts = Counter(runs)
    named = [f"{name} ({count} runs)" if count > 1 else name for name, count in counts.items()]
    more = len(named) - NAMED
    return ", ".join(named[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _users(count: int) -> str:
    return f"{count} user{'s' * (count != 1)}"


def _between(spread: Spread | None) -> str:
    return "" if spread is None or spread.least == spread.most else f" ({between(spread)} over the rounds)"


def between(spread: Spread) -> str:
    """Return least to most."""
    return f"{number(spread.least)} to {number(spread.most)}"
