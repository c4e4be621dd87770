"""Images per second of the torch engine against plain eager transformers, on a GPU or, to try it out, on a CPU.

    python loadtest/gpu_bench.py models/trust --precision fp16 --out gpu.json

Three contenders take turns on the same uint8 batches and hand back rows in host memory: transformers as one would write
it; the engine, one batch after the other; the engine with the next batch started before the rows of the last are asked
for. Each figure is the median of the rounds, with the slowest and fastest. Ends with status 1 where rows differ.

Not yet measured on a GPU.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from transformers import AutoModelForImageClassification

from trust_nsfw.checkpoint import read_labels
from trust_nsfw.engines.compilation import reduce_overhead
from trust_nsfw.engines.torch_engine import DTYPES, TorchEngine
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import LABELS

Batch = NDArray[np.uint8]
Rows = NDArray[np.float32]
Contender = Callable[[Sequence[Batch]], list[Rows]]
"""Scores batches of one size, one list of rows each."""

PLAIN, ENGINE, TWO_IN_FLIGHT = "plain eager", "engine", "engine, two in flight"
TOLERANCES = {"fp32": 0.001, "bf16": 0.03, "fp16": 0.03}
"""Largest difference of a probability from plain eager's in the same precision, which rounds in another order."""

BATCHES_A_TURN = 4
"""Distinct batches, scored over and over: no contender may profit from having seen the same one just before."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Images per second over the rounds."""

    median: float
    slowest: float
    fastest: float

    @classmethod
    def of(cls, rounds: Sequence[float]) -> "Figure":
        """Summarise one figure a round."""
        return cls(statistics.median(rounds), min(rounds), max(rounds))

    def __str__(self) -> str:
        return f"{self.median:,.1f} ({self.slowest:,.1f}-{self.fastest:,.1f})"


class DifferentRows(Exception):
    """A contender's rows are not those of plain eager."""


def plain_eager(checkpoint: Path, spec: PreprocessingSpec, device: torch.device, precision: str) -> Contender:
    """Return transformers' classifier with nothing done to it, normalising on the device."""
    model = AutoModelForImageClassification.from_pretrained(checkpoint, dtype=DTYPES[precision]).to(device).eval()
    mean = torch.tensor(spec.mean, device=device).view(1, 3, 1, 1)
    std = torch.tensor(spec.std, device=device).view(1, 3, 1, 1)
    columns = [read_labels(checkpoint).index(label) for label in LABELS]

    @torch.inference_mode()
    def score(batches: Sequence[Batch]) -> list[Rows]:
        scored = []
        for batch in batches:
            pixels = torch.from_numpy(batch).to(device).permute(0, 3, 1, 2).contiguous().float()
            inputs = ((pixels * spec.rescale_factor - mean) / std).to(model.dtype)
            scored.append(model(pixel_values=inputs).logits.float().softmax(-1)[:, columns].cpu().numpy())
        return scored

    return score


def contenders(args: argparse.Namespace, device: torch.device) -> tuple[dict[str, Contender], TorchEngine]:
    """Load plain eager and the engine; the engine takes the way that it takes on a GPU, whatever the device is."""
    spec = PreprocessingSpec.load(args.checkpoint)
    engine = TorchEngine(
        args.checkpoint,
        spec,
        device,
        precision=args.precision,
        max_batch=max(args.batches),
        pad_to_buckets=True,
        compile=reduce_overhead if args.compile else None,
        warm_up_seconds=args.warm_up_seconds,
    )

    def two_in_flight(batches: Sequence[Batch]) -> list[Rows]:
        scored, before = [], engine.start(batches[0])
        for batch in batches[1:]:
            after = engine.start(batch)
            scored.append(before.rows())
            before = after
        return [*scored, before.rows()]

    return {
        PLAIN: plain_eager(args.checkpoint, spec, device, args.precision),
        ENGINE: lambda batches: [engine.probabilities(batch) for batch in batches],
        TWO_IN_FLIGHT: two_in_flight,
    }, engine


def pictures(generator: np.random.Generator, shape: tuple[int, int, int, int]) -> Batch:
    """Return noise over a colour of each image's own: to a model, noise alone looks the same whatever the image."""
    colours = generator.integers(0, 128, (shape[0], 1, 1, 3), dtype=np.uint8)
    return colours + generator.integers(0, 128, shape, dtype=np.uint8)


def check(name: str, rows: Sequence[Rows], expected: Sequence[Rows], tolerance: float) -> float:
    """Return the largest difference; raises DifferentRows where it is over the tolerance or anything is not finite."""
    ours, theirs = np.concatenate(rows), np.concatenate(expected)
    if ours.shape != theirs.shape:
        raise DifferentRows(f"{name}: rows of shape {ours.shape}; plain eager has {theirs.shape}")
    difference = float(np.abs(ours - theirs).max())
    if not difference <= tolerance:  # NaN is not
        raise DifferentRows(f"{name}: a probability differs by {difference:.4f}; the limit is {tolerance}")
    return difference


def images_per_second(score: Contender, batches: Sequence[Batch], seconds: float) -> float:
    """Score the batches again and again for at least `seconds`."""
    images, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds or not images:
        score(batches)
        images += sum(map(len, batches))
    return images / elapsed


def measure(args: argparse.Namespace, device: torch.device) -> dict[str, object]:
    """Check and time every contender at every batch size, in turns; raises DifferentRows."""
    scorers, engine = contenders(args, device)
    spec = PreprocessingSpec.load(args.checkpoint)
    generator = np.random.default_rng(7)
    sizes = []
    for size in args.batches:
        batches = [pictures(generator, (size, spec.height, spec.width, 3)) for _ in range(BATCHES_A_TURN)]
        expected = scorers[PLAIN](batches)
        differences = {name: check(name, score(batches), expected, args.tolerance) for name, score in scorers.items()}
        rounds: dict[str, list[float]] = {name: [] for name in scorers}
        for turn in range(args.rounds):
            for name in sorted(scorers, reverse=turn % 2 == 1):
                rounds[name].append(images_per_second(scorers[name], batches, args.seconds))
        figures = {name: asdict(Figure.of(rounds[name])) for name in scorers}
        sizes.append({"batch": size, "images_per_second": figures, "largest_difference": differences})
        print(f"batch {size}: done", file=sys.stderr)
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(device),
        "checkpoint": args.checkpoint.resolve().name,
        "precision": args.precision,
        "rounds": args.rounds,
        "seconds_a_round": args.seconds,
        "compiled_buckets": engine.compiled_buckets,
        "sizes": sizes,
    }


def machine(device: torch.device) -> dict[str, str]:
    """Return what the figures depend on: the device, its driver and the libraries' versions."""
    versions = {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "python": platform.python_version(),
    }
    if device.type != "cuda":
        return {
            "device": platform.processor() or platform.machine(),
            "threads": str(torch.get_num_threads()),
            **versions,
        }
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", f"--id={device.index}"]
    try:
        driver = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        driver = "unknown"
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    cuda = {"cuda": str(torch.version.cuda), "cudnn": str(cudnn), "driver": driver}
    return {"device": torch.cuda.get_device_name(device), **cuda, **versions}


def table(report: dict[str, Any]) -> str:
    """Return the report in Markdown; a ratio is one of medians."""
    setting = ", ".join(f"{key} {value}" for key, value in report["machine"].items())
    compiled = ", ".join(map(str, report["compiled_buckets"])) or "none"
    lines = [
        f"{report['checkpoint']}, {report['precision']}, compiled batch sizes: {compiled}. {setting}.",
        f"{report['measured']}, medians of {report['rounds']} rounds (slowest-fastest), images/s:",
        "",
        f"| batch | {PLAIN} | {ENGINE} | ratio | {TWO_IN_FLIGHT} | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for row in report["sizes"]:
        plain, one, two = (Figure(**row["images_per_second"][name]) for name in (PLAIN, ENGINE, TWO_IN_FLIGHT))
        ratios = [f"{figure.median / plain.median:.2f}" for figure in (one, two)]
        lines.append(f"| {row['batch']} | {plain} | {one} | {ratios[0]} | {two} | {ratios[1]} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and write the JSON; returns 1 where rows differ, 2 without the device."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="a checkpoint directory, as scripts/fetch_model.py makes it")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--precision", choices=list(DTYPES), default="fp16")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32, 128], metavar="SIZE")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender at each batch size")
    parser.add_argument("--seconds", type=float, default=1.0, help="time of one turn")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--warm-up-seconds", type=float, default=900.0, help="no further batch size compiles after these"
    )
    parser.add_argument("--tolerance", type=float, help="largest difference of a probability; default by precision")
    parser.add_argument("--out", type=Path, help="write the figures here, as JSON")
    args = parser.parse_args(arguments)
    args.tolerance = TOLERANCES[args.precision] if args.tolerance is None else args.tolerance
    if args.device == "cuda" and not torch.cuda.is_available():
        print("no CUDA device here; --device cpu tries the same code out", file=sys.stderr)
        return 2
    device = torch.device("cuda", 0) if args.device == "cuda" else torch.device("cpu")
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False  # for both, or fp32 would be compared with something else
    try:
        report = measure(args, device)
    except DifferentRows as error:
        print(f"WRONG ROWS: {error}", file=sys.stderr)
        return 1
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
