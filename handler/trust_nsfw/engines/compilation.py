"""torch.compile with CUDA graphs, and where its artefacts are kept between starts. Not yet measured on a GPU."""

import logging
import os
import stat
from collections.abc import Callable, MutableMapping
from pathlib import Path

import torch

from trust_nsfw.engines.scorer import Scorer
from trust_nsfw.engines.staging import Run

logger = logging.getLogger(__name__)

Compile = Callable[[Scorer], Run]
"""Makes a scorer faster. What it returns compiles at its first call for each batch size, and may fail there."""

CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"

MOST_VARIANTS = 64
"""Batch sizes and engines that one process compiles for; torch's own limit of 8 is for code that varies by accident."""


def reduce_overhead(scorer: Scorer) -> Run:
    """Compile with fused kernels and one CUDA graph per batch size; its rows are overwritten by the next run.

    The graphs and the compiler's settings belong to the calling thread: make, warm up and run on the same one.
    """
    use_stable_cache(os.environ)
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, MOST_VARIANTS)
    compiled = torch.compile(scorer, mode="reduce-overhead", fullgraph=True, dynamic=False)

    def run(batch: torch.Tensor) -> torch.Tensor:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call] # the rows before are done with
        rows: torch.Tensor = compiled(batch)
        return rows

    return run


def use_stable_cache(environment: MutableMapping[str, str]) -> None:
    """Keep compiled artefacts in the user's cache folder, for all that compiles from now on in this process.

    By default torch keeps them in the temporary folder, which a TorchServe worker finds empty at each start. It keys
    them by its version, the GPU and the graph, and compiles again what it can't read. A value that is set already is
    left alone; without a private folder torch's default stays, and a warning says why.
    """
    if environment.get(CACHE_VARIABLE):
        return
    try:
        environment[CACHE_VARIABLE] = str(_private_folder(_cache_home(environment) / "trust-nsfw") / "inductor")
    except (OSError, RuntimeError) as error:
        logger.warning("compiled artefacts will not outlive this start: %s", error)


def _cache_home(environment: MutableMapping[str, str]) -> Path:
    """Return $XDG_CACHE_HOME, or ~/.cache where it is unset or relative; raises RuntimeError without a home."""
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else Path.home() / ".cache"


def _private_folder(folder: Path) -> Path:
    """Make sure of a folder that nobody else can write to: what lies there is unpickled, and so may run as code.

    Raises OSError where it can't be made or belongs to, or is open to, others.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{folder} is not a folder that only this user can write to")
    return folder
