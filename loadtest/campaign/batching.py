"""Batch settings: the same archive with others, each on a server of its own, in turn."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from campaign.meter import Measured, Meter, seconds_of
from campaign.place import Place
from campaign.profiles import MIXED_USERS, SINGLE, Profile
from campaign.record import Run
from campaign.serving import own_server
from campaign.stages import alternating
from measuring.archives import Archive, Changes

START_SECONDS = 10.0  # of a server, with its end


def settings_of(profile: Profile) -> list[Changes]:
    """Return what is tried: one setting at a time, the other as the archive has it."""
    sizes: list[Changes] = [{"batchSize": size} for size in profile.batch_sizes]
    return sizes + [{"maxBatchDelay": delay} for delay in profile.delays_ms]


def planned_seconds(profile: Profile) -> float:
    """Return how long `run` should take."""
    each = START_SECONDS + seconds_of(_measured({}, 1, profile), profile.warmup_seconds)
    return each * profile.batching_rounds * len(settings_of(profile))


def run(archive: Archive, scratch: Path, profile: Profile, meter_of: Callable[[Place], Meter]) -> list[Run]:
    """Measure every setting in every round, the server restarted for each. Raises StartError and what a Meter does."""
    found = []
    for turn, changes in alternating(profile.batching_rounds, settings_of(profile)):
        with tempfile.TemporaryDirectory(prefix="batching-", dir=scratch) as folder:
            changed = Archive(archive.name, Path(folder) / "nsfw.mar")
            archive.with_settings(changes, changed.file)
            with own_server(changed, scratch) as place:
                found.append(meter_of(place).measure(_measured(changes, turn, profile)))
    return found


def _measured(changes: Changes, turn: int, profile: Profile) -> Measured:
    setting = ", ".join(f"{name} {value}" for name, value in changes.items())
    return Measured("batching", setting, turn, SINGLE, profile.seconds, users=MIXED_USERS)
