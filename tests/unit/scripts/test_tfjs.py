"""Reading TensorFlow.js weights out of minified scripts."""

import struct
from typing import Any

import numpy as np
import pytest

from model_sources.tfjs import TfjsFormatError, read_exported_literal, read_weights

WRAPPER = (
    "function(){{return function(){{var r=n[_]={{exports:{{}}}}}}}}()({{1:[function(e,a,n){{a.exports={}}},{{}}]}},[1])"
)
"""Around the literal stands code, as in a browserify bundle."""

PLAIN = {"name": "dense/kernel", "shape": [2, 2], "dtype": "float32"}
QUANTIZED = {
    "name": "dense/bias",
    "shape": [3],
    "dtype": "float32",
    "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0},
}
PAYLOAD = struct.pack("<4f3B", 1, 2, 3, 4, 0, 2, 255)


def test_a_minified_literal_reads_as_plain_data() -> None:
    script = WRAPPER.format(
        r'{name:"a:b,!0",on:!0,off:!1,none:null,scale:.25,min:-.5,tiny:15e-9,shape:[3,1.5],$x_1:{}}'
    )
    assert read_exported_literal(script) == {
        "name": "a:b,!0",
        "on": True,
        "off": False,
        "none": None,
        "scale": 0.25,
        "min": -0.5,
        "tiny": 1.5e-8,
        "shape": [3, 1.5],
        "$x_1": {},
    }


def test_an_exported_string_reads_as_it_stands() -> None:
    assert read_exported_literal(WRAPPER.format('"Zm9v+/=="')) == "Zm9v+/=="


@pytest.mark.parametrize("literal", ["{run:alert(1)}", '{half:"', "{a:1"])
def test_a_literal_that_is_not_plain_data_is_refused(literal: str) -> None:
    with pytest.raises(TfjsFormatError, match="not plain data"):
        read_exported_literal(f"a.exports={literal}")


def test_a_script_without_an_exported_literal_is_refused() -> None:
    with pytest.raises(TfjsFormatError, match="0 exported literals"):
        read_exported_literal("module.exports=e()")


@pytest.mark.parametrize("cut", [4, 7, 16, 18])
def test_weights_read_the_same_wherever_the_shards_split(cut: int) -> None:
    manifest = [{"paths": ["one", "two"], "weights": [PLAIN, QUANTIZED]}]
    weights = read_weights(manifest, {"one": PAYLOAD[:cut], "two": PAYLOAD[cut:]})
    np.testing.assert_array_equal(weights["dense/kernel"], np.array([[1, 2], [3, 4]], np.float32))
    np.testing.assert_array_equal(weights["dense/bias"], np.array([-1.0, 0.0, 126.5], np.float32))
    assert weights["dense/bias"].dtype == np.float32


def test_sixteen_bit_weights_are_little_endian() -> None:
    entry = {**QUANTIZED, "shape": [1], "quantization": {"dtype": "uint16", "scale": 1.0, "min": 0.0}}
    weights = read_weights([{"paths": ["one"], "weights": [entry]}], {"one": b"\x01\x02"})
    assert weights["dense/bias"].tolist() == [0x0201]


@pytest.mark.parametrize(
    ("entry", "payload", "message"),
    [
        (PLAIN, PAYLOAD[:15], "dense/kernel ends at byte 16 of 15"),
        (PLAIN, PAYLOAD, "3 bytes are left over"),
        ({**PLAIN, "dtype": "int32"}, PAYLOAD[:16], "dense/kernel is int32 stored as int32"),
        ({**QUANTIZED, "quantization": {"dtype": "float16"}}, PAYLOAD[:6], "dense/bias is float32 stored as float16"),
    ],
)
def test_weights_that_do_not_fit_are_refused(entry: dict[str, Any], payload: bytes, message: str) -> None:
    with pytest.raises(TfjsFormatError, match=message):
        read_weights([{"paths": ["one"], "weights": [entry]}], {"one": payload})


def test_a_missing_shard_is_named() -> None:
    with pytest.raises(TfjsFormatError, match="group1-shard2of2 is missing"):
        read_weights([{"paths": ["group1-shard2of2"], "weights": []}], {})
