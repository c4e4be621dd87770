"""The lists beside the index: what was set aside, what is there twice, whose labels conflict, what came from where."""

import csv
import io
from collections.abc import Iterable, Sequence

from dataset.assembly import Assembly
from dataset.intake import Intake


def quarantine_csv(intake: Intake) -> str:
    """Return quarantine.csv: a line per image that was left out, by its name in the source."""
    rows = ((one.name, one.label, one.code, one.message) for one in intake.quarantined)
    return _csv(("name", "label", "code", "message"), rows)


def duplicates_csv(intake: Intake) -> str:
    """Return duplicates.csv: a line per image whose bytes are those of an earlier one, with both labels."""
    rows = (
        (one.name, one.label, one.kept.file, one.kept.name, one.kept.label, one.kept.sha256)
        for one in intake.duplicates
    )
    return _csv(("name", "label", "kept_file", "kept_name", "kept_label", "sha256"), rows)


def conflicts_csv(assembly: Assembly) -> str:
    """Return conflicts.csv: a line per image, copies too, of the groups that have more than one label."""
    rows = ((one.group, one.file, one.name, one.label, one.sha256) for one in assembly.conflicts)
    return _csv(("group", "file", "name", "label", "sha256"), rows)


def names_csv(assembly: Assembly) -> str:
    """Return names.csv: each image's file here and its name in the source."""
    return _csv(("file", "name"), ((one.file, one.name) for one in assembly.kept))


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
