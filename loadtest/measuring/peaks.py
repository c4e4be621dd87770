"""What this machine can multiply: `python -m measuring.peaks`, then {"seconds": per measurement}.

Square matrices through OpenVINO, four products in a row, so that converting the input hardly counts. The int8 graph is
quantized as NNCF does it (a FakeQuantize before each product, 8-bit weights), and it is checked that its products run
in 8 bits. The larger of the sizes' medians is the peak.
"""

import itertools
import time
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from measuring.coprocess import answer_questions
from trust_nsfw.engines.quiet_openvino import ov

ops = ov.opset13
PRODUCTS = 4
SIDES = {"fp32": (2048,), "bf16": (2048, 4096), "int8": (2048, 4096)}
HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
WEIGHT_STEP = 1 / 4096
FEWEST_RUNS = 3


class WrongPrecisionError(RuntimeError):
    """The products of a graph run in another precision than the one that was to be measured."""


def compile_products(precision: str, side: int) -> ov.CompiledModel:
    """Return the compiled chain of products; raises WrongPrecisionError when it would run in other numbers."""
    inputs = ops.parameter([side, side], ov.Type.f32)
    random = np.random.default_rng(0)
    whole = random.integers(-127, 128, (side, side)).astype(np.int8)
    if precision == "int8":
        steps = ops.constant(np.full((side, 1), WEIGHT_STEP, np.float32))
        weights = ops.multiply(ops.convert(ops.constant(whole), ov.Type.f32), steps)
    else:
        weights = ops.constant(whole.astype(np.float32) * WEIGHT_STEP)
    last: Any = inputs
    for _ in range(PRODUCTS):
        if precision == "int8":
            low, high = np.float32(-1), np.float32(1)
            last = ops.fake_quantize(last, low, high, low, high, 256)
        last = ops.matmul(last, weights, False, True)
    settings = {"INFERENCE_PRECISION_HINT": HINTS[precision], "PERFORMANCE_HINT": "LATENCY"}
    compiled = ov.Core().compile_model(ov.Model([last], [inputs]), "CPU", settings)
    _check(compiled, precision)
    return compiled


def operations_per_second(compiled: ov.CompiledModel, side: int, seconds: float) -> float:
    """Return the median of multiplications and additions per second."""
    request = compiled.create_infer_request()
    matrix: NDArray[np.float32] = np.random.default_rng(1).random((side, side), dtype=np.float32)
    request.infer([matrix])
    durations: list[float] = []
    while len(durations) < FEWEST_RUNS or sum(durations) < seconds:
        started = time.perf_counter()
        request.infer([matrix])
        durations.append(time.perf_counter() - started)
    return PRODUCTS * 2 * side**3 / median(durations)


def _check(compiled: ov.CompiledModel, precision: str) -> None:
    wanted = {"fp32": {"f32"}, "bf16": {"bf16"}, "int8": {"i8", "u8"}}[precision]
    nodes = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
    products = [node for node in nodes if node["layerType"].astype(str) in {"FullyConnected", "MatMul"}]
    found = {node["runtimePrecision"].astype(str) for node in products}
    if not found or found - wanted:
        raise WrongPrecisionError(f"products meant for {precision} run in {', '.join(sorted(found)) or 'nothing'}")


def main() -> None:
    """Compile once, then measure whenever asked; a machine without bf16 has no such peak."""
    compiled: dict[tuple[str, int], ov.CompiledModel] = {}
    for precision, side in itertools.chain.from_iterable(
        ((precision, side) for side in sides) for precision, sides in SIDES.items()
    ):
        try:
            compiled[precision, side] = compile_products(precision, side)
        except WrongPrecisionError:
            if precision != "bf16":
                raise

    def answer(question: dict[str, Any]) -> dict[str, float]:
        rates: dict[str, list[float]] = {}
        for (precision, side), products in compiled.items():
            rates.setdefault(precision, []).append(operations_per_second(products, side, question["seconds"]))
        return {precision: max(found) / 1e9 for precision, found in rates.items()}

    answer_questions(answer)


if __name__ == "__main__":
    main()
