"""Every relative link in the project's own pages leads somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LISTED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", LISTED.split())
def test_relative_links_of_a_page_resolve(page: str):
    targets = [target.partition("#") for target in LINK.findall((ROOT / page).read_text()) if "://" not in target]
    for path, _, anchor in targets:
        file = ((ROOT / page).parent / path) if path else ROOT / page
        assert file.exists(), f"{page} links to {path}"
        assert not anchor or anchor in anchors(file), f"{page} links to {path}#{anchor}"


def anchors(page: Path) -> set[str]:
    """Return the names that headings get: lower case, no punctuation, dashes for spaces."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
