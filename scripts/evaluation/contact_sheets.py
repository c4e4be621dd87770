"""Sheets of pictures with what is said of them; blurred beyond recognition unless the reader has asked to see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from PIL import Image

from charting.style import FAINT, INK, LABEL_COLOURS, chart
from evaluation.thumbnails import thumbnail

COLUMNS = 6
TILE_PX = 240
MOST_TILES = 24


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of a sheet: a title, coloured as the label it names, and a line or two below."""

    path: Path
    title: str
    label: str
    caption: str
    hidden: bool


def sheet_png(tiles: Sequence[Tile]) -> bytes:
    """Draw tiles row by row, COLUMNS in each, as many as there are."""
    rows = -(-len(tiles) // COLUMNS)
    with chart(13, 2.72 * rows + 0.1) as canvas:
        grid = canvas.figure.subplots(rows, COLUMNS, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, tile in zip(grid.flat, tiles, strict=False):
            _draw(axes, tile)
    return canvas.png


def _draw(axes: Axes, tile: Tile) -> None:
    picture = thumbnail(tile.path.read_bytes(), TILE_PX, hidden=tile.hidden)
    square = Image.new("RGB", (TILE_PX, TILE_PX), "white")
    square.paste(picture, ((TILE_PX - picture.width) // 2, (TILE_PX - picture.height) // 2))
    axes.set_axis_on()
    axes.imshow(square)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=FAINT)
    axes.set_title(tile.title, fontsize=9.5, color=LABEL_COLOURS[tile.label], pad=4)
    axes.set_xlabel(tile.caption, fontsize=8, color=INK, labelpad=4)
