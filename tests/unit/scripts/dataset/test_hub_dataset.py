"""Data sets on a stand-in of the hub, in each of its layouts; in processes of their own, set up by the environment."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import datasets
import pytest

import hub_stand_in
from dataset.example import DatasetError
from dataset.hub_dataset import wanted_names
from labelled_pictures import labelled_picture
from pictures import encode
from trust_nsfw.schema import LABELS

ROOT = Path(__file__).resolve().parents[4]
HubStandIn, COMMIT = hub_stand_in.HubStandIn, hub_stand_in.COMMIT
PUBLISHED = "deepghs/nsfw_detect"
PER_CLASS = 10
CLASS_FOLDERS = {"drawing": "drawings"}
LIST_IMAGES = """
import sys
from dataset import hub_dataset
source = hub_dataset.fetch(*sys.argv[1:])
print(source.origin.kind, source.origin.name, source.origin.revision, source.origin.license)
for image in source:
    print(image.label, len(image.read()))
"""


@pytest.fixture(scope="module")
def images() -> dict[str, bytes]:
    """Fifty images by the names that a repository of class folders gives them."""
    return {
        f"{CLASS_FOLDERS.get(label, label)}/{number:03}.png": encode(labelled_picture(label, (number, place)), "PNG")
        for place, label in enumerate(LABELS)
        for number in range(PER_CLASS)
    }


@pytest.fixture(scope="module")
def layouts(images: dict[str, bytes]) -> dict[str, dict[str, bytes]]:
    zipped = BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, content in images.items():
            archive.writestr(f"nsfw_dataset_v1/{name}", content)
    names = sorted({name.split("/")[0] for name in images})
    rows = {
        "image": [{"bytes": content, "path": None} for content in images.values()],
        "label": [names.index(name.split("/")[0]) for name in images],
    }
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=names)})
    whole = datasets.Dataset.from_dict(rows, features=features)
    parts = {}
    for part in range(2):
        content = BytesIO()
        whole.shard(2, part, contiguous=True).to_parquet(content)
        parts[f"data/train-{part:05}-of-00002.parquet"] = content.getvalue()
    return {
        "zip": {"README.md": b"# nsfw", "nsfw_dataset_v1.zip": zipped.getvalue()},
        "parquet": {"README.md": b"# nsfw", **parts},
        "images": {"README.md": b"# nsfw", "banner.png": b"?", **{f"images/{k}": v for k, v in images.items()}},
    }


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a person who has set nothing of the hub's but a home of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_"))}
    roots = os.pathsep.join(str(ROOT / root) for root in ("handler", "scripts"))
    return inherited | {"PYTHONPATH": roots, "HF_HOME": str(tmp_path / "hf-home"), "NO_PROXY": "127.0.0.1"}


def prepare(settings: Mapping[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/prepare_data.py"), *map(str, arguments)]
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)


def listed(settings: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LIST_IMAGES, PUBLISHED, *arguments]
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("layout", ["zip", "parquet", "images"])
def test_every_layout_gives_all_images_with_their_labels_online_and_from_the_cache(
    layout: str, layouts, images, settings
) -> None:
    with HubStandIn(PUBLISHED, layouts[layout], kind="dataset") as hub:
        online = listed(settings | {"HF_ENDPOINT": hub.url})
        assert online.returncode == 0, online.stderr
        assert "README.md" not in hub.names_downloaded()
    head, *lines = online.stdout.splitlines()
    assert head == f"hub {PUBLISHED} {COMMIT} apache-2.0"
    labels = [{"drawings": "drawing"}.get(name.split("/")[0], name.split("/")[0]) for name in images]
    expected = sorted(f"{label} {len(content)}" for label, content in zip(labels, images.values(), strict=True))
    assert sorted(lines) == expected
    offline = listed(settings | {"HF_HUB_OFFLINE": "1"})
    assert sorted(offline.stdout.splitlines()[1:]) == expected
    assert "HF_HUB_OFFLINE is set" in offline.stderr


def test_the_command_prepares_the_published_data_set_and_records_its_commit(layouts, settings, tmp_path) -> None:
    with HubStandIn(PUBLISHED, layouts["zip"], kind="dataset", token="hf_accepted", gated=True) as hub:
        online = settings | {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_accepted"}
        done = prepare(online, PUBLISHED, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert f"from hub {PUBLISHED} at revision {COMMIT}, license apache-2.0" in (tmp_path / "out/card.md").read_text()


def test_a_gated_data_set_says_where_to_ask_and_what_to_set(layouts, settings, tmp_path: Path) -> None:
    with HubStandIn(PUBLISHED, layouts["zip"], kind="dataset", token="hf_accepted", gated=True) as hub:
        done = prepare(settings | {"HF_ENDPOINT": hub.url}, PUBLISHED, "--out", tmp_path / "out")
    assert done.returncode == 4
    assert f"is gated: accept its terms at {hub.url}/datasets/{PUBLISHED}, then set HF_TOKEN" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_private_or_unknown_data_set_and_an_unknown_revision_are_told_apart(layouts, settings, tmp_path) -> None:
    with HubStandIn(PUBLISHED, layouts["zip"], kind="dataset") as hub:
        online = settings | {"HF_ENDPOINT": hub.url}
        unknown = prepare(online, "nobody/nothing", "--out", tmp_path / "out")
        revision = prepare(online, PUBLISHED, "--revision", "v9", "--out", tmp_path / "out")
    assert unknown.returncode == 4
    assert "there is no such dataset" in unknown.stderr
    assert revision.returncode == 1
    assert f"{PUBLISHED} has no revision v9" in revision.stderr


def test_an_unreachable_hub_is_said_in_a_sentence(settings, tmp_path: Path) -> None:
    done = prepare(settings | {"HF_ENDPOINT": "http://127.0.0.1:9"}, PUBLISHED, "--out", tmp_path / "out")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


def test_a_cache_that_holds_only_some_parts_is_no_data_set(layouts, settings) -> None:
    name = "data/train-00001-of-00002.parquet"
    with HubStandIn(PUBLISHED, layouts["parquet"], kind="dataset") as hub:
        assert listed(settings | {"HF_ENDPOINT": hub.url}).returncode == 0
    [part] = Path(settings["HF_HOME"]).rglob(name)
    part.unlink()
    offline = listed(settings | {"HF_HUB_OFFLINE": "1"})
    assert "holds 1 of 2 parts of data/train" in offline.stderr


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["a.zip", "b.parquet"], ["b.parquet"]),
        (["x/2.zip", "x/1.zip", "x/1.txt"], ["x/1.zip", "x/2.zip"]),
        (["logo.png", "porn/a.JPG"], ["porn/a.JPG"]),
    ],
)
def test_one_kind_of_file_is_taken_the_most_telling(names: list[str], wanted: list[str]) -> None:
    assert wanted_names(names, "owner/set") == wanted


def test_a_repository_of_none_of_these_says_what_it_has() -> None:
    with pytest.raises(DatasetError, match="holds neither Parquet nor zip archives nor images in folders: a.csv"):
        wanted_names(["a.csv"], "owner/set")
