"""A campaign from its first look at the server to its record."""

import shlex
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from campaign import batching, stages
from campaign.errors import CampaignError
from campaign.findings import RECOVERY_SECONDS
from campaign.meter import Meter
from campaign.place import Place
from campaign.profiles import Profile
from campaign.progress import CampaignProgress
from campaign.record import Record, Run, TargetRecord
from campaign.sample_store import SampleStore
from campaign.serving import Wanted, archive_of, own_server, running
from campaign.warming import Warmth, warm_explanations, warm_up
from measuring import machine
from measuring.archives import Archive
from traffic.mix import Mix, MixSettings, mix_of_folder, open_mix

WARMUP_SECONDS = 8.0  # planned for it
TORCHSERVE_SETTINGS = ("minWorkers", "maxWorkers", "batchSize", "maxBatchDelay", "responseTimeout", "deviceType")
NOT_OURS = (
    "Batch settings were left out: the server ran already and is not ours to restart. Without it, or with --archive, "
    "scripts/loadtest starts its own and varies them."
)
NO_PROCESSES = (
    "The server's processes can't be seen from here: its CPU is not known, its memory is that of TorchServe's gauge "
    "for the whole machine."
)
NO_METRICS = "The server's metrics could not be read: queue times and batch sizes are missing."
HERE = "Load and server shared this machine: what the generator took, the server did not have."


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be measured."""

    profile: Profile
    targets: tuple[str, ...]
    wanted: Wanted
    objective_ms: float
    pictures: Path | None  # a folder of one's own
    mix: MixSettings
    processes: int = 1  # of the load generator


@dataclass(slots=True)
class Campaign:
    """Carries an order out. `notes` gather what a reader of the report must know."""

    order: Order
    scratch: Path
    progress: CampaignProgress
    store: SampleStore
    notes: list[str] = field(default_factory=list)

    def run(self) -> Record:
        """Measure everything; returns the record. Raises WrongAnswerError, CampaignError, StartError."""
        started = datetime.now(UTC)
        if (watched := self.order.profile.overload.after_seconds) < RECOVERY_SECONDS:
            few = f"only {watched:.0f} s are watched after the overload; recovery may take {RECOVERY_SECONDS} s"
            self.progress.warn(f"{few} (--seconds shortens them)")
        mix = mix_of_folder(self.order.pictures) if self.order.pictures else open_mix(self.order.mix)
        with ExitStack() as server:
            place = running(self.order.wanted)
            archive = None if place else archive_of(self.order.wanted, self.scratch)
            if archive:
                with self.progress.step("starting the server", batching.START_SECONDS):
                    place = server.enter_context(own_server(archive, self.scratch))
            assert place is not None, "a server runs, or we have started one"
            warmth = self._warm(place, mix)
            described = _service(place, archive)
            if "rest" in self.order.targets and described.get("explanations"):
                warm_explanations(place, mix.good[0], self.progress.tick)
            self._note_what_is_missing(place, own=archive is not None)
            targets = self._targets(place, described, 1000 / warmth.lone.p50)
        return Record(
            started_utc=f"{started:%Y-%m-%d %H:%M} UTC",
            command=shlex.join(["scripts/loadtest", *sys.argv[1:]]),
            profile=self.order.profile.name,
            rounds=self.order.profile.rounds,
            machine=machine.describe(),
            service=described,
            pictures=mix.summary(),
            lone_p50_ms=warmth.lone.p50,
            lone_p99_ms=warmth.lone.p99,
            own_server=archive is not None,
            targets=targets,
            batching=self._batching(archive, targets) if archive else [],
            notes=list(self.notes),
        )

    def note(self, line: str) -> None:
        """Keep a line for the report and show it."""
        if line not in self.notes:
            self.notes.append(line)
            self.progress.warn(line)

    @property
    def references(self) -> Path:
        """Where the scores are that must come back."""
        return self.scratch / "references.json"

    def _warm(self, place: Place, mix: Mix) -> Warmth:
        with self.progress.step("warm-up", WARMUP_SECONDS):
            warmth = warm_up(place, mix.good, self.progress.tick)
        warmth.write(self.references)
        self.progress.say(f"warm-up: {warmth.lone.count} pictures, one at a time, p50 {warmth.lone.p50:.0f} ms")
        if warmth.warning:
            self.note(warmth.warning)
        return warmth

    def _meter(self, target: str, place: Place, per_s: float) -> Meter:
        options = {"model-name": place.model_name, "policy": ""}
        if self.order.pictures:
            options |= {"pictures": str(self.order.pictures.resolve())}
        else:
            mix = self.order.mix
            options |= {"mix-seed": str(mix.seed), "mix-count": str(mix.count), "bad-share": str(mix.bad_share)}
        return Meter(
            target,
            place,
            references=self.references,
            warmup_seconds=self.order.profile.warmup_seconds,
            options=options,
            progress=self.progress,
            store=self.store,
            per_s=per_s,
            processes=self.order.processes,
        )

    def _targets(self, place: Place, service: Mapping[str, Any], per_s: float) -> dict[str, TargetRecord]:
        """Measure one transport after another, as long as there is a server."""
        found: dict[str, TargetRecord] = {}
        for target in self.order.targets:
            if found and not place.settled_pids():
                self.note(f"{target} was not measured: the server did not outlive the overload before it.")
                break
            found[target] = self._target(target, place, service, per_s)
        return found

    def _target(self, target: str, place: Place, service: Mapping[str, Any], per_s: float) -> TargetRecord:
        traffic = stages.MIXED[target]
        if not service.get("explanations"):
            traffic = ",".join(one for one in traffic.split(",") if not one.startswith("explanation="))
        if self.order.pictures:
            traffic = ",".join(one for one in traffic.split(",") if not one.startswith("bad="))
        meter = self._meter(target, place, per_s)
        return stages.run(meter, self.order.profile, self.order.objective_ms, traffic)

    def _batching(self, archive: Archive, targets: Mapping[str, TargetRecord]) -> list[Run]:
        per_s = min(target.capacity_per_s for target in targets.values()) / 2  # a setting may be as much slower
        return batching.run(archive, self.scratch, self.order.profile, lambda place: self._meter("rest", place, per_s))

    def _note_what_is_missing(self, place: Place, *, own: bool) -> None:
        if not own:
            self.note(NOT_OURS)
        if place.is_here:
            self.notes.append(HERE)
        if not place.groups():
            self.note(NO_PROCESSES)
        try:
            place.metrics_text()
        except CampaignError as error:
            self.note(f"{NO_METRICS} ({error})")


def carry_out(order: Order) -> tuple[Record, bytes]:
    """Measure what was ordered; returns the record and samples.csv.gz. Nothing is left behind.

    Raises WrongAnswerError, CampaignError, StartError.
    """
    with tempfile.TemporaryDirectory(prefix="loadtest-") as scratch:
        file = Path(scratch) / "samples.csv.gz"
        with CampaignProgress(planned_seconds(order)) as progress, SampleStore(file) as store:
            record = Campaign(order, Path(scratch), progress, store).run()
        return record, file.read_bytes()


def planned_seconds(order: Order) -> float:
    """Return how long the whole should take, before it is known whether a server runs."""
    profile = order.profile
    each = stages.planned_seconds(profile, profile.warmup_seconds)
    own = not order.wanted.host
    beside = batching.START_SECONDS + batching.planned_seconds(profile) if own else 0.0
    return WARMUP_SECONDS + len(order.targets) * each + beside


def _service(place: Place, archive: Archive | None) -> dict[str, Any]:
    """Return what the server says of itself: our own description, and TorchServe's settings of the model."""
    described = dict(place.description())
    own = described.get("customizedMetadata")
    settings = {name: described[name] for name in TORCHSERVE_SETTINGS if name in described}
    return {**(own if isinstance(own, dict) else {}), **settings} | (
        {"model_config": archive.model_config()} if archive else {}
    )
