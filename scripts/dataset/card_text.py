"""The data card as Markdown."""

from collections.abc import Iterable, Sequence

from dataset.card import Card
from dataset.example import SPLITS
from trust_nsfw.schema import LABELS

PLOT_FILE = "card.png"


def markdown(card: Card) -> str:
    """Return card.md."""
    source, near, conflicts = card["source"], card["near_duplicates"], card["conflicts"]
    method = {"grouped": "no group of near-duplicates in two splits", "naive": "at random, image by image"}
    revision = f" at revision {source['revision']}" if source["revision"] else ""
    license_text = f", license {source['license']}" if source["license"] else ""
    totals = {split: sum(card["counts"][split].values()) for split in SPLITS}
    parts = [
        "# Data card",
        f"{card['images']:,} images ({card['bytes'] / 1e6:,.1f} MB) from {source['kind']} {source['name']}{revision}"
        f"{license_text}.\n\nSplit {method[card['split']['method']]}, seed {card['split']['seed']}. "
        f"Fingerprint `{card['fingerprint']}`.",
        *(["## Warnings", "\n".join(f"- {warning}" for warning in card["warnings"])] if card["warnings"] else []),
        "## Images per class and split",
        _table(
            ("class", *SPLITS, "all"),
            [(label, *(card["counts"][split][label] for split in SPLITS), _of_label(card, label)) for label in LABELS]
            + [("all", *totals.values(), card["images"])],
        ),
        f"![Images per class and split, formats, sizes, groups]({PLOT_FILE})",
        "## What was found",
        _table(
            ("finding", "count", "listed in"),
            [
                ("exact copies, kept once", card["exact_duplicates"], "duplicates.csv"),
                ("groups of near-duplicates", near["groups"], "index.csv, column group"),
                ("images in such groups", near["images"], "index.csv, column group"),
                ("images in the largest group", near["largest_group"], "index.csv, column group"),
                ("groups whose labels conflict", conflicts["groups"], "conflicts.csv"),
                ("images in such groups", conflicts["images"], "conflicts.csv"),
                ("groups in more than one split", card["leak"]["groups"], "index.csv, columns group and split"),
                ("copies that fell into another split", card["leak"]["copies"], ""),
                ("images left out", card["quarantined"]["images"], "quarantine.csv"),
            ],
        ),
        f"Near-duplicates differ in at most {near['max_hash_distance']} of 64 bits of a perceptual hash, mirrored or "
        f"not, and correlate by {near['min_correlation']} as 16 x 16 thumbnails. Flat pictures count as different.",
        *_section("Left out, by error code", ("code", "images"), card["quarantined"]["by_code"]),
        *_section("Labels in conflict", ("labels", "groups"), conflicts["between"]),
        *_section("Formats", ("format", "images"), card["formats"]),
        "## Sizes",
        _table(
            ("percentile", *(name[1:] for name in card["sizes"]["aspect"])),
            [(name.replace("_", " "), *(f"{v:,g}" for v in found.values())) for name, found in card["sizes"].items()],
        ),
        "## Preprocessing",
        f"Fingerprint `{card['preprocessing']['fingerprint']}`: {card['preprocessing']['width']} x "
        f"{card['preprocessing']['height']} px. The images are stored as they came; this is what a model made for "
        "this data set takes.",
        "## Versions",
        ", ".join(f"{name} {number}" for name, number in card["versions"].items()),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, head: Sequence[str], counts: dict[str, int]) -> list[str]:
    return [f"## {title}", _table(head, counts.items())] if counts else []


def _of_label(card: Card, label: str) -> int:
    return sum(int(card["counts"][split][label]) for split in SPLITS)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join("---" for _ in head) + "|"]
    lines += [
        "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) + " |" for row in rows
    ]
    return "\n".join(lines)
