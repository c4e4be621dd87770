"""The card for people: warnings first, every count with the file that lists what it counts."""

from pathlib import Path

import pytest

from dataset.assembly import Assembly, assemble
from dataset.card import make_card
from dataset.card_text import markdown
from dataset.folder import ImageFolder
from dataset.intake import take_in
from dataset.source_image import Origin
from dataset.store import ImageStore
from dataset.verified_cache import VerifiedCache
from labelled_pictures import write_labelled
from trust_nsfw.preprocess import PreprocessingSpec

SPEC = PreprocessingSpec.parse({"image_processor_type": "ViTImageProcessor"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labelled(tmp_path_factory.mktemp("card") / "source", 60, seed=2)


def card_of(folder: Path, out: Path, method: str = "grouped") -> tuple[dict, Assembly]:
    with VerifiedCache(out) as cache:
        intake = take_in(ImageFolder(folder), ImageStore(out), cache)
    assembly = assemble(intake, method, seed=1)
    origin = Origin("hub", "owner/set", "0123abcd", "mit")
    return make_card(origin, intake, assembly, SPEC, fingerprint="f" * 64, method=method, seed=1), assembly


def test_it_names_source_revision_license_seed_and_both_fingerprints(folder: Path, tmp_path: Path) -> None:
    text = markdown(card_of(folder, tmp_path)[0])
    assert "from hub owner/set at revision 0123abcd, license mit." in text
    assert "no group of near-duplicates in two splits, seed 1. Fingerprint `" + "f" * 64 in text
    assert SPEC.fingerprint in text


def test_its_table_adds_up(folder: Path, tmp_path: Path) -> None:
    text = markdown(card_of(folder, tmp_path)[0])
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    table = {cells[0]: cells[1:] for cells in rows if len(cells) == 5 and cells[0] != "class"}
    assert all(sum(map(int, cells[:3])) == int(cells[3]) for cells in table.values())
    assert table["all"][3] == "60"


def test_a_split_far_from_its_share_is_warned_of(folder: Path, tmp_path: Path) -> None:
    card, _ = card_of(folder, tmp_path)
    shares = {split: sum(counts.values()) / 60 for split, counts in card["counts"].items()}
    warned = [split for split in shares if any(f"Split {split} has" in warning for warning in card["warnings"])]
    wanted = {"train": 0.8, "validation": 0.1, "test": 0.1}
    assert warned == [split for split in shares if abs(shares[split] - wanted[split]) > 0.02]


def test_a_split_without_a_class_is_warned_of(folder: Path, tmp_path: Path) -> None:
    card, _ = card_of(folder, tmp_path, "naive")
    for split, counts in card["counts"].items():
        empty = [label for label, count in counts.items() if not count]
        assert any(f"Split {split} has no image of" in warning for warning in card["warnings"]) == bool(empty)
    assert markdown(card).index("## Warnings") < markdown(card).index("## Images per class")
