"""Commands as documents show them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks_of(document: str) -> list[tuple[str, str]]:
    """Return the language and the text of a document's code blocks."""
    return BLOCK.findall((ROOT / document).read_text())


def commands_of(document: str) -> list[str]:
    """Return a document's plain code blocks: those of no language are commands."""
    return [block for language, block in blocks_of(document) if not language]


def at_ports(command: str, inference: int, management: int) -> str:
    """Return a documented command for a server on other ports."""
    return command.replace(":8080", f":{inference}").replace(":8081", f":{management}")
