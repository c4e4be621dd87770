"""A policy as the user names it -> the policy."""

from pathlib import Path

import trust_nsfw
from trust_nsfw.cli.errors import CommandError
from trust_nsfw.policy_file import PolicyFile, load_policy_file

BESIDE_THE_PACKAGE = Path(trust_nsfw.__file__).resolve().parents[1] / "policies"
"""Where the shipped policies are in a checkout; an installed wheel has the package only, and nothing there."""
DEFAULT_POLICY = "default"


def is_path(name: str) -> bool:
    """Tell a file's path, which ends in .yaml or .yml, from a policy's name."""
    return Path(name).suffix in {".yaml", ".yml"}


def look_up(name: str, folder: Path | None) -> PolicyFile:
    """Load a policy by its file's path, or by its name from a folder, else from those shipped.

    Raises CommandError when there is none of that name, PolicyError when its file can't be honoured.
    """
    if is_path(name):
        return load_policy_file(Path(name))
    directory = folder or shipped_policies()
    known = sorted(file.stem for file in directory.glob("*.yaml"))
    if name not in known:
        raise CommandError(f"no policy is named {name!r} in {directory}; known are {', '.join(known) or 'none'}")
    return load_policy_file(directory / f"{name}.yaml")


def shipped_policies() -> Path:
    """Return the folder of the shipped policies; raises CommandError where the package came without them."""
    if not (BESIDE_THE_PACKAGE / f"{DEFAULT_POLICY}.yaml").is_file():
        raise CommandError("this installation has no policies of its own: name a file, or a folder with --policies")
    return BESIDE_THE_PACKAGE
