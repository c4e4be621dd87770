"""Who may import whom, read from every import statement: data flows one way, and the core knows no server."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "handler/trust_nsfw"
MODULES = sorted(file for file in PACKAGE.rglob("*.py") if file.parent != PACKAGE or file.stem != "__init__")

LAYERS = (
    ("errors",),
    ("schema", "strict_yaml", "containers"),
    ("settings", "policy", "checkpoint", "wire"),
    ("policy_file", "preprocess", "temperature", "colour", "score_cache", "verdicts", "client"),
    ("frames",),
    ("images",),
    ("moderated", "engines", "manifest", "explain", "overlay", "decode_pool"),
    ("engines.torch_engine", "engine_feed", "explanations"),
    ("scoring",),
    ("pipeline",),
    ("golden", "engines.loading"),
    ("service",),
    ("cli",),
)
"""Lowest first: a module imports from its own layer or a lower one. A package's name stands for all its modules."""

MAY_KNOW = {
    "torch": {"engines", "explain", "explanations", "service"},
    "transformers": {"engines.classifier", "engines.nsfwjs_mobilenet", "explain"},
    "PIL": {"colour", "frames", "images", "moderated", "overlay", "preprocess"},
    "pillow_heif": {"frames"},
    "yaml": {"strict_yaml"},
    "requests": {"client"},
    "httpx2": {"client"},
    "openvino": {"engines.quiet_openvino"},
    "grpc": {"client"},
    "google": {"client._stubs"},
    "typer": {"cli"},
    "rich": {"cli"},
}
"""Which modules may know a library; every other works without it installed."""

FORBIDDEN = {
    *("ts", "archiving", "lowering", "model_sources", "serving", "loadtest", "torchvision"),
    *("charting", "dataset", "evaluation", "thresholds", "training"),
}

SCRIPT_LAYERS = (
    ("archiving", "charting", "lowering", "model_sources", "serving"),
    ("dataset",),
    ("evaluation",),
    ("training", "thresholds"),
)
"""The packages of scripts/. Those of a model's life, on top, know lower layers and not their neighbours; the lowest
layer's know none of the others, whichever of their own they know."""


def name_of(file: Path) -> str:
    name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
    return name.removesuffix(".__init__")


def imports_of(file: Path) -> set[str]:
    """Return the full dotted names a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own_imports(file: Path) -> set[str]:
    known = {name_of(module) for module in MODULES}
    names = {name.removeprefix("trust_nsfw.") for name in imports_of(file) if name.startswith("trust_nsfw.")}
    return names & known


def covering(name: str, names: set[str]) -> str | None:
    """Return the most specific of some module or package names that holds a module."""
    candidates = [other for other in names if name == other or name.startswith(f"{other}.")]
    return max(candidates, key=len, default=None)


def layer(name: str) -> int:
    entry = covering(name, {entry for names in LAYERS for entry in names})
    assert entry is not None, f"{name} has no layer"
    return next(index for index, names in enumerate(LAYERS) if entry in names)


def test_every_layers_module_exists():
    known = {name_of(file) for file in MODULES}
    assert {entry for names in LAYERS for entry in names} <= known


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_a_module_imports_from_its_layer_or_below(file):
    upwards = {name for name in own_imports(file) if layer(name) > layer(name_of(file))}
    assert not upwards


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_a_module_knows_only_the_libraries_it_may(file):
    roots = {name.split(".")[0] for name in imports_of(file)}
    assert not roots & FORBIDDEN
    strangers = {library for library in roots & set(MAY_KNOW) if not covering(name_of(file), MAY_KNOW[library])}
    assert not strangers


def test_only_the_entry_file_is_outside_the_package_and_it_knows_the_service_not_its_parts():
    entry = ROOT / "handler/torchserve_handler.py"
    assert sorted(file.name for file in (ROOT / "handler").glob("*.py")) == [entry.name]
    own = {name.split(".")[1] for name in imports_of(entry) if name.startswith("trust_nsfw.")}
    assert own <= {"errors", "schema", "service", "wire"}


def test_the_core_of_values_and_decisions_needs_no_library_but_yaml():
    allowed = {"yaml", "trust_nsfw"}
    for file in MODULES:
        if covering(name_of(file), {"errors", "schema", "settings", "policy", "wire", "policy_file", "strict_yaml"}):
            outside = {name.split(".")[0] for name in imports_of(file)} - allowed
            assert outside <= set(sys.stdlib_module_names), file


SCRIPTS = ROOT / "scripts"
SCRIPT_PACKAGES = {package: level for level, packages in enumerate(SCRIPT_LAYERS) for package in packages}


def test_every_package_of_the_scripts_has_a_layer():
    assert {file.parent.name for file in SCRIPTS.glob("*/__init__.py")} == set(SCRIPT_PACKAGES)


def test_charting_knows_no_other_package():
    for file in (SCRIPTS / "charting").glob("*.py"):
        assert not {name.split(".")[0] for name in imports_of(file)} & (set(SCRIPT_PACKAGES) - {"charting"})


@pytest.mark.parametrize("package", SCRIPT_PACKAGES)
def test_a_package_of_the_scripts_knows_only_those_below_it(package):
    upwards = set()
    for file in (SCRIPTS / package).glob("*.py"):
        known = {name.split(".")[0] for name in imports_of(file)} & set(SCRIPT_PACKAGES) - {package}
        upwards |= {(file.name, name) for name in known if SCRIPT_PACKAGES[name] >= max(SCRIPT_PACKAGES[package], 1)}
    assert not upwards
