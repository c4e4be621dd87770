"""Figures as JSON can hold them: it has no word for NaN or infinity."""

import math
from typing import Any


def without_nan(value: Any) -> Any:
    """Return nested values with None for every number that is not finite."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: without_nan(content) for key, content in value.items()}
        case list() | tuple():
            return [without_nan(content) for content in value]
    return value
