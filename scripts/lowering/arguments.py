"""The command line's words for a plan, shared by what builds an archive and what serves one."""

import argparse
from pathlib import Path

from lowering.plan import PRECISIONS, Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a plan's options in a group of their own."""
    group = parser.add_argument_group("the graph that a CPU runs")
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        help="auto: int8 where it can be calibrated and gated, else bf16 where the CPU has it, fp32 where not",
    )
    group.add_argument(
        "--merge-tokens", type=int, default=0, metavar="R", help="let a ViT merge R tokens a layer: faster, and lossy"
    )
    group.add_argument(
        "--calibration-images", type=Path, metavar="FOLDER", help="what int8 is calibrated on: pictures like yours"
    )
    group.add_argument(
        "--gate-images", type=Path, metavar="FOLDER", help="500 other pictures or more, on which decisions must agree"
    )
    group.add_argument("--force", action="store_true", help="build a lossy graph that fails the gate, or has none")


def plan_of(options: argparse.Namespace) -> Plan:
    """Return the plan that was typed."""
    return Plan(
        precision=options.precision,
        merge_tokens=options.merge_tokens,
        calibration_images=options.calibration_images,
        gate_images=options.gate_images,
        force=options.force,
    )


def typed(plan: Plan) -> list[str]:
    """Return the words that give a plan, for another script's command line."""
    words = ["--precision", plan.precision, "--merge-tokens", str(plan.merge_tokens)]
    for option, folder in (("--calibration-images", plan.calibration_images), ("--gate-images", plan.gate_images)):
        words += [option, str(folder)] if folder else []
    return [*words, "--force"] if plan.force else words
