"""Raw samples with figures that are easy to reckon with."""

from campaign.samples import Sample
from traffic.call import Outcome


def sample(second: float, latency_ms: float = 100.0, outcome: Outcome = Outcome.RIGHT, **other: object) -> Sample:
    """Return a request that was intended at `second`."""
    values = {
        "intended_s": second,
        "started_s": second,
        "latency_ms": latency_ms,
        "kind": "single",
        "outcome": outcome,
        "code": {Outcome.REFUSED: "503", Outcome.FAILED: "503", Outcome.LOST: "", Outcome.UNSENT: ""}.get(
            outcome, "200"
        ),
        "error_code": "overloaded" if outcome is Outcome.REFUSED else "",
        "images": 0 if outcome is Outcome.UNSENT else 1,
        "message": "",
    }
    return Sample(**{**values, **other})
