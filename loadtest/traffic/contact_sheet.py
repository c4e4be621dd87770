"""All pictures of a mix on one, to look at."""

from io import BytesIO

from PIL import Image, ImageDraw, ImageOps

from traffic.mix import Mix

COLUMNS, CELL_PX, MARGIN_PX, CAPTION_PX = 8, 200, 10, 30
GROUND, CHEQUERS, INK = (240, 240, 240), ((255, 255, 255), (205, 205, 205)), (40, 40, 40)


def contact_sheet(mix: Mix) -> Image.Image:
    """Return every good picture, upright, small, with its name, size and weight; transparency shows as chequers."""
    rows = -(-len(mix.good) // COLUMNS)
    step_x, step_y = CELL_PX + MARGIN_PX, CELL_PX + MARGIN_PX + CAPTION_PX
    sheet = Image.new("RGB", (COLUMNS * step_x + MARGIN_PX, rows * step_y + MARGIN_PX), GROUND)
    pen = ImageDraw.Draw(sheet)
    for index, picture in enumerate(mix.good):
        left, top = MARGIN_PX + index % COLUMNS * step_x, MARGIN_PX + index // COLUMNS * step_y
        small = _small(picture.payload)
        sheet.paste(small, (left + (CELL_PX - small.width) // 2, top + (CELL_PX - small.height) // 2))
        width, height = mix.sides_px[picture.key]
        pen.text((left, top + CELL_PX + 3), picture.key.rpartition("-")[0], INK)
        pen.text((left, top + CELL_PX + 15), f"{width}x{height}, {len(picture.payload) / 1_000:,.0f} kB", INK)
    return sheet


def _small(payload: bytes) -> Image.Image:
    with Image.open(BytesIO(payload)) as image:
        image.draft("RGB", (CELL_PX, CELL_PX))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((CELL_PX, CELL_PX))
        if upright.mode == "RGB":
            return upright
        upright, ground = upright.convert("RGBA"), _chequers(upright.size)
        ground.paste(upright, mask=upright)
        return ground


def _chequers(size: tuple[int, int], side_px: int = 10) -> Image.Image:
    ground = Image.new("RGB", size, CHEQUERS[0])
    pen = ImageDraw.Draw(ground)
    for top in range(0, size[1], side_px):
        for left in range(top // side_px % 2 * side_px, size[0], 2 * side_px):
            pen.rectangle((left, top, left + side_px - 1, top + side_px - 1), CHEQUERS[1])
    return ground
