"""A load as a stand-in for Locust leaves it; the server it names answers nothing, as one that has ended."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import pytest

from campaign import meter as module
from campaign import stages
from campaign.load import Load, Loaded
from campaign.meter import Measured, Meter
from campaign.place import Place
from campaign.profiles import QUICK
from campaign.progress import CampaignProgress
from campaign.sample_store import SampleStore
from campaign.samples import Sample
from campaign_record import CALM
from campaign_samples import sample
from serving.ports import free_ports
from traffic.call import Outcome

RATES = Measured("open", "80 %", 1, "single=1", 8.0, rates=((10.0, 10.0),))
USERS = Measured("closed", "4 users", 1, "single=1", 4.0, users=4)


@dataclass
class StandIn:
    """Gives one load's result after the other, the last of them for ever."""

    results: Sequence[Loaded]
    loads: list[Load]

    def apply(self, load: Load, references: Path, tick: object) -> Loaded:
        self.loads.append(load)
        return self.results[min(len(self.loads), len(self.results)) - 1]


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a meter and the loads that it had applied, for the results that they shall have."""
    url = f"http://127.0.0.1:{free_ports().inference}"
    with SampleStore(tmp_path / "samples.csv.gz") as store, CampaignProgress(10, StringIO()) as progress:

        def make(*results: Loaded, **options: object) -> tuple[Meter, list[Load]]:
            stand_in = StandIn(results, [])
            monkeypatch.setattr(module, "apply", stand_in.apply)
            settings = {"references": tmp_path, "warmup_seconds": 1.0, "options": {}, "progress": progress}
            return Meter("rest", Place(url, "", url, url), store=store, **(settings | options)), stand_in.loads

        yield make


def answers(until_s: int, outcome: Outcome = Outcome.RIGHT) -> list[Sample]:
    return [sample(tenth / 10, 100, outcome) for tenth in range(10 * until_s)]


def test_the_rate_that_arrived_is_told_beside_the_one_that_was_offered(measured):
    meter, _ = measured(Loaded([one for one in answers(10) if one.intended_s * 10 % 2 < 1], CALM, begun_s=0.0))
    run = meter.measure(RATES)
    assert (run.offered_per_s, run.arrived_per_s) == (10, pytest.approx(5, rel=0.05))


def test_a_profile_is_measured_from_its_schedules_start(measured):
    meter, _ = measured(Loaded([sample(3.0), sample(8.5)], CALM, begun_s=0.0))
    assert meter.measure(RATES).outcomes == {"right": 2}  # from second 1 to 9, and not from second 4 to 12


@pytest.mark.parametrize(
    "spoiled",
    [
        Loaded(answers(10), replace(CALM, starved=True), 0.0),
        Loaded([*answers(9), sample(8.95, outcome=Outcome.UNSENT)], CALM, 0.0),
    ],
    ids=["starved", "unsent"],
)
def test_a_rate_that_the_generator_could_not_offer_is_offered_once_more_and_then_marked(measured, spoiled: Loaded):
    meter, loads = measured(spoiled, Loaded(answers(10), CALM, 0.0))
    assert not meter.measure(RATES).is_generators
    assert len(loads) == 2
    meter, loads = measured(spoiled)
    assert meter.measure(RATES).is_generators
    assert len(loads) == 2


def test_a_load_lasts_until_every_user_was_answered_once_and_was_measured(measured):
    meter, loads = measured(Loaded(answers(10), CALM), per_s=2.0)
    assert meter.measure(USERS).seconds == pytest.approx(4.0)
    assert loads[0].seconds == 3 + 4 + 2  # half as long again as 4 users take at 2/s, the window, and one round more


def test_a_load_that_was_too_short_for_its_users_is_applied_again_for_as_long_as_they_take(measured):
    slow = [sample(0.0, 4000) for _ in range(4)]
    meter, loads = measured(Loaded(slow, CALM), Loaded(answers(10), CALM))
    assert meter.measure(USERS).seconds == pytest.approx(4.0)
    assert loads[1].seconds > loads[0].seconds + 5


def test_processes_are_no_more_than_there_are_users(measured):
    meter, loads = measured(Loaded(answers(10), CALM, 0.0), processes=3)
    for what in (USERS, replace(USERS, users=2), RATES):
        meter.measure(what)
    assert [(one.users, one.processes) for one in loads] == [(4, 3), (2, 2), (3, 3)]


def test_a_server_that_ends_under_the_overload_is_a_finding(measured, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("campaign.place.SILENT_SECONDS", 0.0)
    before = [sample(tenth / 10, 100) for tenth in range(20)]
    after = [sample(3 + tenth / 10, 5, Outcome.LOST) for tenth in range(30)]
    failed, unsent = sample(2.5, 100, Outcome.FAILED), sample(2.6, outcome=Outcome.UNSENT)
    meter, _ = measured(Loaded([*before, failed, unsent, *after], CALM, 0.0))
    over = stages.overload(meter, QUICK, 10.0)
    assert (over.workers_after, over.recovered_seconds) == (None, None)
    assert (over.failed, over.unsent, over.unanswered) == (1, 1, 30)
    assert over.run.errors == {"no answer": 21, "503": 1}
