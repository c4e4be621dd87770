"""docs/openapi.yaml: read, with references followed, for the tests that hold it to the code and to the server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trust_nsfw import strict_yaml

FILE = Path(__file__).resolve().parents[2] / "docs/openapi.yaml"


def load() -> dict[str, Any]:
    """Return the document, anew each time; a key that appears twice is an error."""
    return strict_yaml.load(FILE)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every operation by its operationId."""
    methods = (method for path in document["paths"].values() for name, method in path.items() if name != "servers")
    return {method["operationId"]: method for method in methods}


def contents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what is said of each request and response body: under "classify 200 image/*" its schema and example."""
    for name, operation in operations(document).items():
        bodies = {"request": operation.get("requestBody", {})} | operation["responses"]
        for place, body in bodies.items():
            for media_type, content in _followed(body, document).get("content", {}).items():
                yield f"{name} {place} {media_type}", content


def _followed(node: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return what a node refers to, or the node."""
    for key in node.get("$ref", "").split("/")[1:]:
        document = document[key]
    return document if "$ref" in node else node
