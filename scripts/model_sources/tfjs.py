"""Read TensorFlow.js weights out of the minified scripts they ship in, without running any JavaScript."""

import json
import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXPORT = re.compile(r'\w\.exports=(?=[{"])')
"""Where a browserify bundle holds its one value; its own `exports={exports:{}}` has no dot before it."""

TOKEN = re.compile(
    r"""
      (?P<string>"(?:[^"\\]++|\\.)*+")
    | (?P<flag>![01])
    | (?P<key>[A-Za-z_$][\w$]*(?=:))
    | (?P<fraction>(?<![\d.])\.(?=\d))
    """,
    re.VERBOSE,
)
"""What a minified literal writes otherwise than JSON, and strings, so that nothing inside one is touched."""

QUANTIZED_DTYPES = ("uint8", "uint16")


class TfjsFormatError(ValueError):
    """The files are not what a TensorFlow.js layers model with float32 weights looks like."""


def read_exported_literal(script: str) -> Any:
    """Return the value that a bundle exports, `…e.exports={…}…` or `…e.exports="…"…`, as json.loads would.

    Raises TfjsFormatError unless exactly one such literal is there and it holds plain data only.
    """
    starts = [match.end() for match in EXPORT.finditer(script)]
    if len(starts) != 1:
        raise TfjsFormatError(f"{len(starts)} exported literals in the script; exactly 1 is expected")
    try:
        value, _ = json.JSONDecoder().raw_decode(TOKEN.sub(_as_json, script[starts[0] :]))
    except ValueError as error:
        raise TfjsFormatError(f"the exported literal is not plain data: {error}") from None
    return value


def read_weights(manifest: Sequence[Mapping[str, Any]], shards: Mapping[str, bytes]) -> dict[str, NDArray[np.float32]]:
    """Return each weight of a weightsManifest by name, dequantized (scale * stored + min), in its own shape.

    A group's shards are one run of bytes, little-endian, which its weights fill without a gap: a weight may begin in
    one shard and end in the next. Raises TfjsFormatError for a missing shard, bytes too few or too many, and dtypes
    other than float32, plain or quantized to uint8 or uint16.
    """
    weights: dict[str, NDArray[np.float32]] = {}
    for group in manifest:
        if missing := [path for path in group["paths"] if path not in shards]:
            raise TfjsFormatError(f"shard {missing[0]} is missing")
        payload = b"".join(shards[path] for path in group["paths"])
        offset_bytes = 0
        for entry in group["weights"]:
            dtype = _stored_dtype(entry)
            count = prod(entry["shape"])
            end_bytes = offset_bytes + count * dtype.itemsize
            if end_bytes > len(payload):
                raise TfjsFormatError(f"{entry['name']} ends at byte {end_bytes:,} of {len(payload):,}")
            stored = np.frombuffer(payload, dtype, count, offset_bytes).reshape(entry["shape"])
            weights[entry["name"]] = _dequantize(stored, entry.get("quantization"))
            offset_bytes = end_bytes
        if offset_bytes != len(payload):
            raise TfjsFormatError(f"{len(payload) - offset_bytes:,} bytes are left over after the last weight")
    return weights


def _as_json(token: re.Match[str]) -> str:
    text = token.group()
    match token.lastgroup:
        case "flag":
            return "true" if text == "!0" else "false"
        case "key":
            return f'"{text}"'
        case "fraction":
            return "0."
        case _:
            return text


def _stored_dtype(entry: Mapping[str, Any]) -> np.dtype[Any]:
    quantization = entry.get("quantization")
    stored = entry["dtype"] if quantization is None else quantization["dtype"]
    if entry["dtype"] != "float32" or stored not in ("float32", *QUANTIZED_DTYPES):
        raise TfjsFormatError(f"{entry['name']} is {entry['dtype']} stored as {stored}; that is not supported")
    dtype: np.dtype[Any] = np.dtype(stored).newbyteorder("<")
    return dtype


def _dequantize(stored: NDArray[Any], quantization: Mapping[str, Any] | None) -> NDArray[np.float32]:
    """Compute in float64 and round once, as JavaScript does."""
    if quantization is None:
        return stored.astype(np.float32)
    values: NDArray[np.float64] = stored.astype(np.float64) * quantization["scale"] + quantization["min"]
    return values.astype(np.float32)
