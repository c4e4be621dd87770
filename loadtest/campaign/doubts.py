"""What speaks against taking a campaign's figures as they stand."""

from collections import Counter
from collections.abc import Iterable, Iterator

from campaign import groups
from campaign.findings import RECOVERY_SECONDS, Level, ms, overload_verdicts, rate, users
from campaign.groups import Group
from campaign.record import KEEPING_PACE, Record, Run, TargetRecord
from measuring.tables import number

LATE_SENDING_MS = 50  # beyond it the offered load is no longer the one that was meant
WIDE_SPREAD = 0.10  # least to most of the rounds, of the median: the machine was not quiet
RELIABLE_COUNT = 100  # with fewer answers the p99 is simply the slowest one
CACHED_SHARE = 0.01
BEYOND_CAPACITY = 1.05  # of the closed loop's: more than that in open loop, and one of the two is wrong
SETTLED = 0.25  # between users / rate and the mean latency, which are the same where a load has settled (Little's law)
SHORT = 0.9  # of the stage's longest window
NAMED = 3  # runs named in one doubt; the rest are counted
MEANINGS = (
    ("wrong", "answered wrongly"),
    ("failed", "failed by the backend"),
    ("lost", "lost"),
    ("late", "answered after the deadline"),
)


def of_record(record: Record) -> list[str]:
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


def _of_the_generator(record: Record) -> Iterator[str]:
    runs = groups.labelled_runs(record)
    starved = [_where(name, run) for name, run in runs if run.generator.starved]
    if starved:
        reasons = [run.generator.reason for _, run in runs if run.generator.reason]
        yield (
            f"The load generator was starved in {_named(starved)}{f', first since {reasons[0]}' if reasons else ''}: "
            "those latencies are partly its own, and the rates too low. Give it --processes 2 where cores are free, or "
            "another machine."
        )
    unsent = [(name, run) for name, run in runs if run.unsent]
    if unsent:
        count = sum(run.unsent for _, run in unsent)
        yield (
            f"{count:,} request{'s were' if count > 1 else ' was'} never sent, the generator's failure and not the "
            f"server's, in {_named(_where(name, run) for name, run in unsent)}."
        )
    late = [
        _where(name, run)
        for name, run in runs
        if run.generator.sent_late_p99_ms > LATE_SENDING_MS and not run.generator.starved
    ]
    if late:
        yield f"Requests were sent more than {LATE_SENDING_MS} ms late (p99) in {_named(late)}."


def _of_target(target: TargetRecord) -> Iterator[str]:
    yield from _of_capacity(target)
    yield from _of_open_loop(target)
    yield from _of_windows(target)
    runs = (*target.closed, *target.mixed, *target.open)
    for outcome, meaning in MEANINGS:
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
    if target.overload.watched_seconds < RECOVERY_SECONDS:
        yield (
            f"only {target.overload.watched_seconds:.0f} s were watched after the overload, of the "
            f"{RECOVERY_SECONDS} s in which a server should have recovered."
        )


def _of_windows(target: TargetRecord) -> Iterator[str]:
    """Doubt closed-loop runs that were measured too shortly, or before the load had settled."""
    for runs in (target.closed, target.mixed):
        longest = max((run.seconds for run in runs), default=0.0)
        short = [run for run in runs if run.seconds < SHORT * longest]
        if short:
            where = _named(_where("", run) for run in short)
            yield f"After each user's first answer only {short[0].seconds:.1f} s were left to measure, in {where}."
        odd = [run for run in runs if _is_unsettled(run)]
        if odd and (first := odd[0]).users and first.latency:
            yield (
                f"Rate and latency don't belong together in {_named(_where('', run) for run in odd)}: "
                f"{users(first.users)} at {rate(first.answered_per_s)} would wait "
                f"{ms(1000 * first.users / first.answered_per_s)} each, and waited {ms(first.latency.mean)}. The load "
                "had not settled; measure longer."
            )


def _is_unsettled(run: Run) -> bool:
    if not run.users or not run.latency or not run.answered_per_s or run.failures:
        return False  # whoever is refused or fails asks again sooner or later than others
    expected_ms = 1000 * run.users / run.answered_per_s
    return abs(run.latency.mean - expected_ms) > SETTLED * expected_ms


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
    elif knee.rate_per_s >= max((tried.rate_per_s for tried in knee.tried), default=0):
        yield f"The knee is the highest rate tried ({rate(knee.rate_per_s)}); it may lie higher."
    if left := [one for one in knee.tried if one.is_generators and not one.keeps(knee.objective_ms)]:
        rates = ", ".join(number(one.rate_per_s) for one in left)
        yield f"The generator could not offer {rates}/s as it was to, so the knee does not count it."
    most = max([knee.rate_per_s or 0.0, *(run.answered_per_s for run in target.open)])
    if most > BEYOND_CAPACITY * target.capacity_per_s:
        yield (
            f"Open loop reached {rate(most)}, more than the closed loop's capacity of {rate(target.capacity_per_s)}: "
            "the machine was not quiet, or the time measured too short."
        )
    under = [group for group in groups.by_setting(target.open) if _is_under(group, target.capacity_per_s)]
    for group in under:
        p99 = group.median(groups.percentile("p99"))
        if p99 is not None and p99 > knee.objective_ms:
            yield f"At {group.setting} of capacity p99 is {ms(p99)} already, beyond {ms(knee.objective_ms)}."
        got, came = group.median(groups.answered) or 0, group.median(groups.arrived) or 0
        if got < KEEPING_PACE * came:
            yield f"At {group.setting} of capacity only {rate(got)} of {rate(came)} that arrived were answered."


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
