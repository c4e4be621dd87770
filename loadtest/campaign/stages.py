"""The stages of a campaign, in their order: each a series of measurements of one server through one transport."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import TypeVar

from campaign.errors import CampaignError
from campaign.knee import search, trial_of
from campaign.meter import PLANNED_PER_SECOND, Measured, Meter, seconds_of
from campaign.profiles import MIXED_USERS, SINGLE, Profile
from campaign.record import Knee, Overload, Run, TargetRecord, Trial
from campaign.recovery import Parts, recovered_seconds, timeline
from campaign.summing import Window
from traffic.call import Outcome

T = TypeVar("T")
PLANNED_PLACES = 80  # in the queue and in the batch under way, as the project ships them
REFUSALS_EXPECTED = ("--refusals-expected",)
MIXED = {
    "rest": "single=60,batch4=12,batch16=4,moderated=10,explanation=1,health=8,bad=5",
    "grpc": "single=60,batch4=12,batch16=4,health=8,bad=5",
}


def run(meter: Meter, profile: Profile, objective_ms: float, mixed_traffic: str) -> TargetRecord:
    """Measure everything of one transport."""
    closed = [meter.measure(one) for one in closed_plan(profile)]
    capacity, users = capacity_of(closed)
    meter.per_s = capacity
    mixed = [meter.measure(one) for one in mixed_plan(profile, mixed_traffic)]
    opened = [meter.measure(one) for one in open_plan(profile, meter.warmup_seconds, capacity)]
    knee = find_knee(meter, profile, opened, objective_ms)
    best = max([capacity, *(one.answered_per_s for one in opened), *(one.answered_per_s for one in knee.tried)])
    return TargetRecord(capacity, users, closed, mixed, opened, knee, overload(meter, profile, best))


def planned_seconds(profile: Profile, warmup_seconds: float) -> float:
    """Return how long `run` should take."""
    plans = [*closed_plan(profile), *mixed_plan(profile, SINGLE), *open_plan(profile, warmup_seconds, 1.0)]
    plans += [_knee_trial(profile, warmup_seconds, 1.0, 0)] * profile.knee_steps
    filled = replace(profile, overload=profile.overload.filling(PLANNED_PLACES, PLANNED_PER_SECOND))
    plans.append(_overload_plan(filled, PLANNED_PER_SECOND))
    return sum(seconds_of(one, warmup_seconds) for one in plans)


def closed_plan(profile: Profile) -> list[Measured]:
    """Every concurrency in every round, every second round from the most to the least."""
    return [
        Measured("closed", f"{users} user{'s' * (users > 1)}", turn, SINGLE, profile.seconds, users=users)
        for turn, users in alternating(profile.rounds, profile.users)
    ]


def mixed_plan(profile: Profile, traffic: str) -> list[Measured]:
    """Traffic of every kind, in every round."""
    return [
        Measured("mixed", f"{MIXED_USERS} users", turn, traffic, profile.mixed_seconds, users=MIXED_USERS)
        for turn in range(1, profile.rounds + 1)
    ]


def open_plan(profile: Profile, warmup_seconds: float, capacity_per_s: float) -> list[Measured]:
    """Every share of the capacity in every round, every second round from the most to the least."""
    seconds = warmup_seconds + profile.open_seconds
    return [
        Measured(
            "open", f"{share:.0%}".replace("%", " %"), turn, SINGLE, profile.open_seconds,
            rates=((round(share * capacity_per_s, 2), seconds),), flags=REFUSALS_EXPECTED,
        )
        for turn, share in alternating(profile.rounds, profile.shares)
    ]  # fmt: skip


def capacity_of(closed: Sequence[Run]) -> tuple[float, int]:
    """Return the highest median of answers per second over the rounds, and the number of users it took.

    Raises CampaignError where nothing was answered.
    """
    users = sorted({run.users for run in closed if run.users is not None})
    medians = {count: median(run.answered_per_s for run in closed if run.users == count) for count in users}
    best = max(users, key=lambda count: medians[count])
    if not medians[best] > 0:
        raise CampaignError("no answer came within the time measured, so there is no capacity: measure longer")
    return medians[best], best


def find_knee(meter: Meter, profile: Profile, opened: Sequence[Run], objective_ms: float) -> Knee:
    """Search between the rates that were offered already."""
    tried = 0

    def attempt(rate: float) -> Trial:
        nonlocal tried
        tried += 1
        return trial_of(meter.measure(_knee_trial(profile, meter.warmup_seconds, rate, tried)))

    return search([trial_of(run) for run in opened], objective_ms, profile.knee_steps, attempt)


def overload(meter: Meter, profile: Profile, capacity_per_s: float) -> Overload:
    """Offer half of the capacity, more than it for as long as fills the queue, and half of it again, in one load.

    A server that ends or loses its workers under it is a finding, and no reason to lose what was measured before.
    """
    before = meter.place.settled_pids() or []
    places = meter.place.queue_places()
    lasting = profile if places is None else replace(profile, overload=profile.overload.filling(places, capacity_per_s))
    what = _overload_plan(lasting, capacity_per_s)
    loaded, watch = meter.applied(what)
    meter.keep(what, loaded)
    parts = Parts.of(loaded.start_s, what.rates)
    (base_rate, _), (over_rate, _), _ = what.rates
    run = meter.summed(what, loaded, watch, Window(parts.over_start_s, parts.over_end_s, True), over_rate)
    warm = min(meter.warmup_seconds, profile.overload.before_seconds / 2)
    base = meter.summed(what, loaded, watch, Window(parts.start_s + warm, parts.over_start_s, True), base_rate)
    meter.say(what, run)
    baseline_ms = base.latency.p99 if base.latency else None
    after = meter.place.settled_pids()
    ends = Counter(one.outcome for one in loaded.samples)
    return Overload(
        profile=what.rates,
        capacity_per_s=capacity_per_s,
        run=run,
        timeline=timeline(loaded.samples, parts, profile.slice_seconds),
        baseline_p99_ms=baseline_ms,
        recovered_seconds=None if baseline_ms is None else recovered_seconds(loaded.samples, parts, baseline_ms),
        watched_seconds=parts.end_s - parts.over_end_s,
        unanswered=ends[Outcome.LOST],
        failed=ends[Outcome.FAILED],
        unsent=ends[Outcome.UNSENT],
        workers_restarted=len(set(before) - set(after or [])),
        workers_after=None if after is None else len(after),
    )


def _knee_trial(profile: Profile, warmup_seconds: float, rate: float, number: int) -> Measured:
    rates = ((round(rate, 2), warmup_seconds + profile.open_seconds),)
    setting = f"{rate:.1f}/s"
    return Measured("knee", setting, number, SINGLE, profile.open_seconds, rates=rates, flags=REFUSALS_EXPECTED)


def _overload_plan(profile: Profile, capacity_per_s: float) -> Measured:
    rates = profile.overload.profile(capacity_per_s)
    setting = f"{profile.overload.over_share:.0%}".replace("%", " %")
    seconds = sum(seconds for _, seconds in rates)
    return Measured("overload", setting, 1, SINGLE, seconds, rates=rates, flags=REFUSALS_EXPECTED)


def alternating(rounds: int, values: Sequence[T]) -> Iterator[tuple[int, T]]:
    """Yield (round, value): what drifts meanwhile meets all values alike."""
    for turn in range(1, rounds + 1):
        for value in values if turn % 2 else reversed(values):
            yield turn, value
