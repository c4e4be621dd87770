"""Generated drawings of any size: scenes, animals, sketches, charts; flat colours, outlines, hatching."""

from collections.abc import Callable, Sequence
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw

OVERSAMPLING = 2  # drawn at this many times the size, then reduced: Pillow's own edges are jagged
INK, PAPER = (28, 26, 34), (250, 246, 236)
PALETTES = (
    ((92, 158, 173), (50, 98, 115), (227, 151, 116), (233, 196, 106), (120, 160, 90)),
    ((255, 183, 3), (33, 158, 188), (251, 133, 0), (142, 202, 230), (2, 48, 71)),
    ((214, 90, 90), (96, 108, 56), (221, 161, 94), (244, 226, 198), (87, 117, 144)),
    ((181, 131, 141), (109, 104, 117), (255, 205, 178), (229, 152, 155), (101, 140, 187)),
)
"""Five colours each, as illustrators use: few, and used again."""

Random = np.random.Generator
Colour = tuple[int, int, int]
Point = tuple[float, float]


class Sheet:
    """A canvas and a pen. Places and widths are in units of the shorter side, from the left top."""

    def __init__(self, size: tuple[int, int], ground: Colour | None, random: Random) -> None:
        """Begin with a colour, or transparent without one."""
        self.unit = min(size) * OVERSAMPLING
        self.width, self.height = size[0] / min(size), size[1] / min(size)
        self.random = random
        self.palette = PALETTES[random.integers(len(PALETTES))]
        mode, colour = ("RGBA", (255, 255, 255, 0)) if ground is None else ("RGB", ground)
        self.image = Image.new(mode, (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING), colour)
        self._pen = ImageDraw.Draw(self.image)

    def colour(self) -> Colour:
        """Pick one of the palette."""
        return self.palette[self.random.integers(len(self.palette))]

    def line(self, points: Sequence[Point], width: float = 0.006, colour: Colour = INK) -> None:
        """Draw through points."""
        self._pen.line([self._px(point) for point in points], colour, max(1, round(width * self.unit)), joint="curve")

    def shape(self, points: Sequence[Point], fill: Colour | None, outline: float = 0.006) -> None:
        """Fill a polygon and draw around it."""
        if fill is not None:
            self._pen.polygon([self._px(point) for point in points], fill)
        if outline:
            self.line([*points, points[0], points[1]], outline)

    def blob(
        self, centre: Point, radius: Point, fill: Colour | None, outline: float = 0.006, wobble: float = 0
    ) -> None:
        """Fill an ellipse, as far from one as `wobble` (a share of the radius) says, and draw around it."""
        angles = np.linspace(0, 2 * pi, 73)[:-1]
        waves = 1 + wobble * sum(np.sin(angles * turn + self.random.uniform(0, 2 * pi)) for turn in (2, 3, 5))
        x, y = centre[0] + radius[0] * waves * np.cos(angles), centre[1] + radius[1] * waves * np.sin(angles)
        self.shape(list(zip(x.tolist(), y.tolist(), strict=True)), fill, outline)

    def hatch(self, centre: Point, radius: Point, angle: float, gap: float = 0.012, width: float = 0.003) -> None:
        """Shade an ellipse with parallel strokes."""
        for offset in np.arange(-1, 1, gap / max(radius)):
            half = float(np.sqrt(max(0.0, 1 - offset**2))) * self.random.uniform(0.8, 1)
            ends = [(offset * -sin(angle) + side * half * cos(angle), offset * cos(angle) + side * half * sin(angle))
                    for side in (-1, 1)]  # fmt: skip
            self.line([(centre[0] + x * radius[0], centre[1] + y * radius[1]) for x, y in ends], width)

    def script(self, start: Point, length: float, height: float, colour: Colour = INK) -> None:
        """Write a line of words in a hand that nobody can read."""
        x, end = start[0], start[0] + length
        while x < end:
            letters = int(self.random.integers(2, 9))
            points: list[Point] = []
            for _ in range(letters * 3):
                x += height * 0.22
                points.append((x, start[1] + height * self.random.choice((-0.9, -0.5, -0.45, 0, 0, 0.1))))
            if x < end:
                self.line(points, height * 0.12, colour)
            x += height * 0.6

    def finished(self) -> Image.Image:
        """Return the drawing at its size."""
        return self.image.reduce(OVERSAMPLING)

    def _px(self, point: Point) -> Point:
        return point[0] * self.unit, point[1] * self.unit


def scene(size: tuple[int, int], random: Random) -> Image.Image:
    """Hills, a sun, clouds, trees and a house, as in a picture book."""
    sheet = Sheet(size, (198, 226, 240), random)
    sun = (random.uniform(0.15, 0.85) * sheet.width, random.uniform(0.12, 0.25) * sheet.height)
    sheet.blob(sun, (0.09, 0.09), (250, 214, 90))
    for _ in range(3):
        x, y = random.uniform(0, sheet.width), random.uniform(0.08, 0.3) * sheet.height
        sheet.blob((x, y), (random.uniform(0.1, 0.2), 0.04), (255, 255, 255), 0.004, wobble=0.06)
    for depth in range(3):
        _hill(sheet, (0.45 + 0.17 * depth) * sheet.height, sheet.colour())
    for _ in range(int(random.integers(3, 8))):
        _tree(
            sheet, (random.uniform(0, sheet.width), random.uniform(0.65, 0.95) * sheet.height), random.uniform(0.1, 0.2)
        )
    _house(sheet, (random.uniform(0.2, 0.8) * sheet.width, random.uniform(0.7, 0.9) * sheet.height))
    return sheet.finished()


def animal(size: tuple[int, int], random: Random) -> Image.Image:
    """A cat's or a bear's face on a coloured ground, with a line of script below."""
    sheet = Sheet(size, PAPER, random)
    sheet.blob((sheet.width / 2, sheet.height / 2), (0.47, 0.47), sheet.colour(), 0, wobble=0.02)
    _face(sheet, (sheet.width / 2, sheet.height / 2 - 0.02), 0.3)
    sheet.script((sheet.width / 2 - 0.3, sheet.height / 2 + 0.44), 0.6, 0.05)
    return sheet.finished()


def sticker(size: tuple[int, int], random: Random) -> Image.Image:
    """A face with a white rim on nothing: RGBA."""
    sheet = Sheet(size, None, random)
    sheet.blob((sheet.width / 2, sheet.height / 2), (0.46, 0.46), (255, 255, 255), 0.004)
    _face(sheet, (sheet.width / 2, sheet.height / 2 + 0.03), 0.3)
    return sheet.finished()


def sketch(size: tuple[int, int], random: Random) -> Image.Image:
    """A still life in ink: a jug and fruit, shaded by hatching."""
    sheet = Sheet(size, PAPER, random)
    table = 0.72 * sheet.height
    for shift in (0, 0.008):
        sheet.line([(0.04, table + shift), (sheet.width - 0.04, table - shift)], 0.003)
    x = random.uniform(0.3, 0.5) * sheet.width
    sheet.blob((x, table - 0.16), (0.15, 0.2), PAPER, 0.005, wobble=0.01)
    sheet.blob((x, table - 0.38), (0.07, 0.025), PAPER, 0.005)
    sheet.hatch((x + 0.06, table - 0.14), (0.08, 0.15), 0.9)
    sheet.hatch((x + 0.09, table - 0.1), (0.05, 0.1), 2.2)
    for _ in range(int(random.integers(2, 5))):
        fruit, radius = (
            (random.uniform(0.15, 0.85) * sheet.width, table + random.uniform(-0.02, 0.1)),
            random.uniform(0.06, 0.1),
        )
        sheet.hatch((fruit[0] + radius, fruit[1] + radius * 0.8), (radius * 1.2, radius * 0.25), 0.1)
        sheet.blob(fruit, (radius, radius), PAPER, 0.005, wobble=0.02)
        sheet.hatch((fruit[0] + radius * 0.35, fruit[1] + radius * 0.3), (radius * 0.55, radius * 0.55), 0.8)
    return sheet.finished()


def chart(size: tuple[int, int], random: Random) -> Image.Image:
    """A page with a heading, bars, a curve and lines of script, as in a screenshot."""
    sheet = Sheet(size, (255, 255, 255), random)
    sheet.script((0.07, 0.1), sheet.width - 0.3, 0.06)
    left, right, top, bottom = 0.1, sheet.width - 0.07, 0.17, 0.62 * sheet.height
    for share in np.linspace(0, 1, 6):
        y = bottom + (top - bottom) * float(share)
        sheet.line([(left, y), (right, y)], 0.002, (205, 205, 210))
    count = int(random.integers(6, 13))
    step, fill = (right - left) / count, sheet.colour()
    for index, level in enumerate(random.uniform(0.1, 0.95, count).tolist()):
        x, y = left + step * (index + 0.2), bottom + (top - bottom) * level
        sheet.shape([(x, y), (x + 0.6 * step, y), (x + 0.6 * step, bottom), (x, bottom)], fill, 0)
    steps = np.clip(0.5 + np.cumsum(random.normal(0, 0.05, 60)), 0.03, 0.97).tolist()
    curve = [(left + (right - left) * at / 59, bottom + (top - bottom) * level) for at, level in enumerate(steps)]
    sheet.line(curve, 0.007, (200, 60, 60))
    for y in np.arange(bottom + 0.08, sheet.height - 0.04, 0.05).tolist():
        sheet.script((0.07, y), sheet.width - 0.14, 0.025, (70, 70, 80))
    return sheet.finished()


Style = Callable[[tuple[int, int], Random], Image.Image]
STYLES: tuple[Style, ...] = (scene, chart, animal, sketch)
"""Of opaque drawings; a transparent one is a `sticker`."""


def _hill(sheet: Sheet, level: float, fill: Colour) -> None:
    x = np.linspace(-0.05, sheet.width + 0.05, 60)
    y = level + 0.06 * np.sin(x * sheet.random.uniform(2, 5) + sheet.random.uniform(0, 6)) + 0.02 * np.sin(x * 9)
    ridge = list(zip(x.tolist(), y.tolist(), strict=True))
    sheet.shape([*ridge, (sheet.width + 0.05, sheet.height + 0.1), (-0.05, sheet.height + 0.1)], fill)


def _tree(sheet: Sheet, foot: Point, height: float) -> None:
    x, y = foot
    trunk = height * 0.06
    sheet.shape(
        [(x - trunk, y), (x + trunk, y), (x + trunk, y - height / 2), (x - trunk, y - height / 2)], (120, 84, 60), 0.004
    )
    sheet.blob((x, y - height * 0.75), (height * 0.32, height * 0.38), (74, 124, 78), 0.005, wobble=0.05)
    sheet.hatch((x + height * 0.1, y - height * 0.65), (height * 0.16, height * 0.2), 0.8, width=0.002)


def _house(sheet: Sheet, foot: Point) -> None:
    (x, y), wall, roof = foot, sheet.colour(), sheet.colour()
    sheet.shape([(x - 0.13, y), (x + 0.13, y), (x + 0.13, y - 0.15), (x - 0.13, y - 0.15)], wall)
    sheet.shape([(x - 0.16, y - 0.15), (x + 0.16, y - 0.15), (x, y - 0.27)], roof)
    sheet.shape([(x - 0.02, y), (x + 0.04, y), (x + 0.04, y - 0.09), (x - 0.02, y - 0.09)], (110, 70, 50), 0.004)
    for window in (-0.08, 0.09):
        panes = [
            (x + window + dx, y - 0.09 + dy) for dx, dy in ((-0.025, 0), (0.025, 0), (0.025, -0.04), (-0.025, -0.04))
        ]
        sheet.shape(panes, (252, 240, 190), 0.004)


def _face(sheet: Sheet, centre: Point, radius: float) -> None:
    (x, y), fur, pointed = centre, sheet.colour(), sheet.random.random() < 0.5
    for side in (-1, 1):
        if pointed:
            ear = [(x + side * radius * dx, y - radius * dy) for dx, dy in ((0.25, 0.8), (0.95, 0.4), (0.85, 1.3))]
            sheet.shape(ear, fur, 0.01)
        else:
            sheet.blob((x + side * radius * 0.75, y - radius * 0.75), (radius * 0.35, radius * 0.35), fur, 0.01)
    sheet.blob(centre, (radius, radius * 0.9), fur, 0.01, wobble=0.01)
    sheet.hatch((x + radius * 0.45, y + radius * 0.4), (radius * 0.35, radius * 0.3), 0.8)
    sheet.blob((x, y + radius * 0.35), (radius * 0.4, radius * 0.3), PAPER, 0.006)
    for side in (-1, 1):
        eye = (x + side * radius * 0.4, y - radius * 0.2)
        sheet.blob(eye, (radius * 0.17, radius * 0.2), (255, 255, 255), 0.006)
        sheet.blob((eye[0] + radius * 0.04, eye[1]), (radius * 0.08, radius * 0.12), INK, 0)
        for spread in (-0.08, 0.02, 0.12):
            whisker = [
                (x + side * radius * 0.25, y + radius * 0.35),
                (x + side * radius * 1.1, y + radius * (0.3 + 2 * spread)),
            ]
            sheet.line(whisker, 0.004)
    sheet.blob((x, y + radius * 0.2), (radius * 0.11, radius * 0.08), (90, 50, 60), 0)
    mouth = [
        (x + radius * 0.2 * cos(turn), y + radius * (0.35 + 0.15 * sin(turn)))
        for turn in np.linspace(0.2, pi - 0.2, 12)
    ]
    sheet.line(mouth, 0.007)
