"""Which pictures a mix consists of: sizes, formats and subjects in fixed proportions, for any number of them.

The proportions are chosen, not measured anywhere: what a platform's moderation sees, which is uploads from phones and
browsers and the previews made of them. Three quarters are JPEG, for cameras and most software write nothing else; PNG
(11 %) is what screenshots and drawings come as, WebP (14 %) what sites convert pictures to. Half are of web size,
because apps shrink before they send; a tenth comes straight from a camera, and costs as much to decode as all the rest.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from traffic.formats import Encoding, format_of
from traffic.photographs import Look


class Subject(StrEnum):
    """What is shown."""

    PHOTO = "photo"
    DRAWING = "drawing"
    STICKER = "sticker"  # a drawing on a transparent ground


class Shape(StrEnum):
    """Which side is the longer one, upright."""

    LANDSCAPE = "landscape"
    PORTRAIT = "portrait"
    SQUARE = "square"


SHAPES = (Shape.LANDSCAPE, Shape.PORTRAIT, Shape.LANDSCAPE, Shape.LANDSCAPE, Shape.PORTRAIT)
"""In turn: phones are held upright, cameras and screens are not."""

SIDE_STRIDE = 3  # through a class's sides, so that neighbours differ; prime to how many there are
CLASS_STRIDE = 3  # so that the classes do not all begin with the same photo


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a share of a class's pictures is."""

    subject: Subject
    encoding: Encoding
    share: float


@dataclass(frozen=True, slots=True)
class SizeClass:
    """Pictures of one use. `sides_px` are longer sides; `qualities` the least and greatest, of lossy formats."""

    name: str
    share: float
    sides_px: tuple[int, ...]
    aspects: tuple[float, ...]
    shapes: tuple[Shape, ...]
    qualities: tuple[int, int]
    look: Look
    recipes: tuple[Recipe, ...]


CLASSES = (
    SizeClass(
        name="thumbnail",
        share=0.2,
        sides_px=(96, 128, 160, 200, 256),
        aspects=(4 / 3, 3 / 2),
        shapes=(Shape.SQUARE, Shape.LANDSCAPE, Shape.PORTRAIT),
        qualities=(75, 85),
        look=Look(smallest_crop=0.5, grain=1.5),  # reduced from larger ones, which averages grain away
        recipes=(
            Recipe(Subject.PHOTO, Encoding.JPEG, 0.65),
            Recipe(Subject.PHOTO, Encoding.WEBP, 0.15),
            Recipe(Subject.DRAWING, Encoding.PNG, 0.1),
            Recipe(Subject.STICKER, Encoding.PNG, 0.05),
            Recipe(Subject.DRAWING, Encoding.WEBP_LOSSLESS, 0.05),
        ),
    ),
    SizeClass(
        name="web",
        share=0.5,
        sides_px=(480, 640, 720, 800, 960, 1080, 1200, 1280),
        aspects=(4 / 3, 3 / 2, 16 / 9),
        shapes=SHAPES,
        qualities=(80, 92),
        look=Look(smallest_crop=0.5, grain=4.0),
        recipes=(
            Recipe(Subject.PHOTO, Encoding.JPEG, 0.48),
            Recipe(Subject.PHOTO, Encoding.PROGRESSIVE, 0.2),  # what image optimisers write
            Recipe(Subject.PHOTO, Encoding.WEBP, 0.12),
            Recipe(Subject.DRAWING, Encoding.PNG, 0.08),
            Recipe(Subject.DRAWING, Encoding.JPEG, 0.04),
            Recipe(Subject.STICKER, Encoding.PNG, 0.04),
            Recipe(Subject.STICKER, Encoding.WEBP, 0.02),
            Recipe(Subject.DRAWING, Encoding.WEBP_LOSSLESS, 0.02),
        ),
    ),
    SizeClass(
        name="hd",
        share=0.2,
        sides_px=(1600, 1920, 2048, 2560),
        aspects=(4 / 3, 3 / 2, 16 / 9),
        shapes=SHAPES,
        qualities=(82, 90),
        look=Look(smallest_crop=0.7, grain=3.5),
        recipes=(
            Recipe(Subject.PHOTO, Encoding.JPEG, 0.5),
            Recipe(Subject.PHOTO, Encoding.PROGRESSIVE, 0.15),
            Recipe(Subject.PHOTO, Encoding.TURNED, 0.15),
            Recipe(Subject.PHOTO, Encoding.WEBP, 0.1),
            Recipe(Subject.DRAWING, Encoding.PNG, 0.1),  # screenshots
        ),
    ),
    SizeClass(
        name="camera",
        share=0.1,
        sides_px=(4000,),  # 12 megapixels, what phones' main cameras give
        aspects=(4 / 3,),
        shapes=SHAPES,
        qualities=(87, 93),
        look=Look(smallest_crop=0.8, grain=3.5),
        recipes=(Recipe(Subject.PHOTO, Encoding.JPEG, 0.5), Recipe(Subject.PHOTO, Encoding.TURNED, 0.5)),
    ),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """One picture to be made: `number` is its place in the mix, `turn` says which photo or style it is made of."""

    number: int
    size_class: SizeClass
    recipe: Recipe
    shape: Shape
    side_px: int
    turn: int


def plan(count: int) -> list[Planned]:
    """Return `count` pictures in the proportions above; the first ones of a longer plan are a shorter plan.

    Nothing is drawn by chance: each picture is of the class, and in it of the recipe, that is the furthest behind its
    share, so that few pictures are in proportion as well. Twelve hold every class, and JPEG, PNG and WebP.
    """
    planned: list[Planned] = []
    classes: Counter[str] = Counter()
    recipes: Counter[tuple[str, Recipe]] = Counter()
    formats: Counter[str] = Counter()
    turns = {(each.name, drawn): CLASS_STRIDE * place for place, each in enumerate(CLASSES) for drawn in (False, True)}
    for number in range(count):
        size_class = max(CLASSES, key=lambda each: each.share * (number + 1) - classes[each.name])
        ordinal = classes[size_class.name]

        def behind(recipe: Recipe, size_class: SizeClass = size_class, number: int = number) -> float:
            within = recipe.share * (classes[size_class.name] + 1) - recipes[size_class.name, recipe]
            kind = format_of(recipe.encoding)
            return within + FORMAT_SHARES[kind] * (number + 1) - formats[kind]

        recipe = max(size_class.recipes, key=behind)
        shape = size_class.shapes[ordinal % len(size_class.shapes)]
        side_px = size_class.sides_px[ordinal * SIDE_STRIDE % len(size_class.sides_px)]
        drawn = recipe.subject is not Subject.PHOTO
        planned.append(Planned(number, size_class, recipe, shape, side_px, turns[size_class.name, drawn]))
        classes[size_class.name] += 1
        recipes[size_class.name, recipe] += 1
        formats[format_of(recipe.encoding)] += 1
        turns[size_class.name, drawn] += 1
    return planned


def size_class_of(width: int, height: int) -> str:
    """Return the name of the class whose sides a picture is nearest to: the first that reaches its longer side."""
    longer = max(width, height)
    return next((each.name for each in CLASSES if longer <= each.sides_px[-1]), CLASSES[-1].name)


def _format_shares() -> dict[str, float]:
    shares: dict[str, float] = {}
    for each in CLASSES:
        for recipe in each.recipes:
            kind = format_of(recipe.encoding)
            shares[kind] = shares.get(kind, 0.0) + each.share * recipe.share
    return shares


FORMAT_SHARES = _format_shares()
"""Of the whole mix, by Pillow's names."""
