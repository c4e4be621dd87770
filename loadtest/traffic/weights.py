"""Which kinds of requests make up the traffic, and in which proportion."""

from collections.abc import Collection, Mapping

from traffic.call import Kind

Weights = Mapping[Kind, int]
"""How often each kind is sent, relative to the others; kinds of weight 0 are left out."""


def parse_weights(text: str, kinds: Collection[Kind]) -> Weights:
    """Read "single=60,batch4=12". Raises ValueError for anything but kinds out of `kinds`, each once, with whole
    numbers that are not all zero.
    """
    weights: dict[Kind, int] = {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not equals or not number.isdecimal():
            raise ValueError(f"{part.strip()!r} is not KIND=WEIGHT with a whole number")
        if name not in kinds:
            raise ValueError(f"{name!r} is none of {', '.join(kinds)}")
        if Kind(name) in weights:
            raise ValueError(f"{name} is named twice")
        weights[Kind(name)] = int(number)
    if not any(weights.values()):
        raise ValueError("every weight is 0, so nothing would be sent")
    return {kind: weight for kind, weight in weights.items() if weight}


def format_weights(weights: Weights) -> str:
    """Return what parse_weights reads."""
    return ",".join(f"{kind}={weight}" for kind, weight in weights.items())
