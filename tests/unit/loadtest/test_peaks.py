import pytest

peaks = pytest.importorskip("measuring.peaks", reason="OpenVINO is for x86", exc_type=ImportError)


def test_the_int8_products_do_run_in_8_bits():
    compiled = peaks.compile_products("int8", side=256)
    assert peaks.operations_per_second(compiled, side=256, seconds=0.01) > 0


def test_products_in_another_precision_than_meant_are_refused():
    with pytest.raises(peaks.WrongPrecisionError, match="meant for int8 run in f32"):
        peaks._check(peaks.compile_products("fp32", side=256), "int8")
