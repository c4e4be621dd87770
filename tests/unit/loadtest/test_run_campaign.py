import json

import pytest

import run_campaign
from campaign import charts
from campaign_record import record


def test_an_error_in_drawing_loses_nothing_that_was_measured(tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr(charts, "charts", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        run_campaign.write(tmp_path / "report", record(), b"samples")
    assert json.loads((tmp_path / "report/report.json").read_text())["format"] == 1
    assert (tmp_path / "report/samples.csv.gz").read_bytes() == b"samples"
    assert (tmp_path / "report/runs.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--users", "4", "0"], "--users 0: must be at least 1"),
        (["--rounds", "0"], "--rounds 0: must be at least 1"),
        (["--processes", "0"], "--processes 0: must be at least 1"),
        (["--shares", "-50"], "--shares -50: must be more than 0"),
        (["--objective-ms", "0"], "--objective-ms 0: must be more than 0"),
        (["--knee-steps", "-1"], "--knee-steps -1: must be 0 or more"),
    ],
)
def test_a_message_names_the_option_and_its_value(arguments, said, capsys):
    with pytest.raises(SystemExit):
        run_campaign.parse_arguments(arguments)
    assert said in capsys.readouterr().err
