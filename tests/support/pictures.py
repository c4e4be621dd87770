"""Pictures for tests: ordinary photos that ship in scikit-image's wheel, and generated ones in every odd format."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
import skimage.data
from PIL import Image, ImageCms, ImageDraw

pillow_heif.register_heif_opener()

PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def photo(name: str) -> Image.Image:
    """Return one of PHOTOS in RGB."""
    with Image.open(Path(skimage.data.__file__).parent / name) as image:
        return image.convert("RGB")


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return an image's bytes in one of Pillow's formats."""
    buffer = BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def picture(seed: int, width: int = 64, height: int = 48) -> Image.Image:
    """Return a generated RGB picture, different for each seed."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), tuple(random.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        draw.rectangle((x, y, x + width // 3, y + height // 3), fill=tuple(random.integers(0, 256, 3).tolist()))
    return image


def truncated_jpeg() -> bytes:
    """Return a photo's JPEG without its second half."""
    whole = encode(photo("chelsea.png"), "JPEG")
    return whole[: len(whole) // 2]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(size: tuple[int, int], bits: int, colour_type: int, rows: bytes, *extra: bytes) -> bytes:
    """Return a PNG from its rows (each with its filter byte), with extra chunks before the pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, bits, colour_type, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + pixels + png_chunk(b"IEND", b"")


def huge_png(side: int = 30_000) -> bytes:
    """Return a few bytes that announce a PNG of side x side pixels and hold almost none of them."""
    return png((side, side), 8, 2, b"\0" * 1000)


def cmyk_jpeg() -> bytes:
    """Return a photo as a CMYK JPEG."""
    return encode(photo("coffee.png").convert("CMYK"), "JPEG", quality=95)


def deep_png() -> bytes:
    """Return a photo as a 16-bit greyscale PNG."""
    grey = np.asarray(photo("coffee.png").convert("L")).astype(np.uint16) * 257
    return encode(Image.fromarray(grey), "PNG")


def transparent_palette_png() -> bytes:
    """Return a palette PNG whose first colour is transparent."""
    image = photo("chelsea.png").quantize(64)
    return encode(image, "PNG", transparency=0)


def gif() -> bytes:
    """Return a photo as a GIF of one frame."""
    return encode(photo("chelsea.png"), "GIF")


def animated_gif(frames: int) -> bytes:
    """Return a GIF of generated frames, each different."""
    return animation("GIF", frames)


def animation(kind: str, frames: int, **options: object) -> bytes:
    """Return generated frames, each different, of 40 ms each, in a format that can hold several pictures."""
    first, *others = [picture(seed) for seed in range(frames)]
    return encode(first, kind, save_all=True, append_images=others, duration=40, loop=0, **options)


def glass(seed: int, width: int = 64, height: int = 48) -> Image.Image:
    """Return a generated RGBA picture that is transparent on its left half and opaque on its right."""
    image = picture(seed, width, height).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    return image


def exif(orientation: int, maker: bytes = b"") -> bytes:
    """Return EXIF with an orientation and a maker."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    if maker:
        tags[0x010F] = maker.decode()
    return tags.tobytes()


def profile(primaries: str = "sRGB") -> bytes:
    """Return an RGB profile: sRGB, or one whose red and blue are swapped so that using it cannot be missed."""
    whole = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if primaries == "sRGB":
        return whole
    return whole.replace(b"rXYZ", b"tmp.").replace(b"bXYZ", b"rXYZ").replace(b"tmp.", b"bXYZ")


def ink_profile() -> bytes:
    """Return a CMYK profile of inks that shine: the more of them, the lighter a neutral grey."""
    straight = bytes(range(256))
    corners = b"".join(bytes([255 * bin(corner).count("1") // 4, 128, 128]) for corner in range(16))
    identity = struct.pack(">9L", *(0x10000 if index % 4 == 0 else 0 for index in range(9)))
    table = b"mft1\0\0\0\0\4\3\2\0" + identity + straight * 4 + corners + straight * 3
    body = struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table
    head = struct.pack(">I4sI12s12s4s", 128 + len(body), b"lcms", 0x02400000, b"prtrCMYKLab ", bytes(12), b"acsp")
    return (head + bytes(28) + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)).ljust(128, b"\0") + body


def every_format() -> dict[str, bytes]:
    """Return one small file of each kind that is accepted."""
    small = photo("chelsea.png").resize((90, 60))
    stills = {kind: encode(small, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")}
    moving = {f"animated {kind}": animation(kind, 4) for kind in ("PNG", "WEBP", "GIF", "AVIF")}
    return {
        **stills,
        **moving,
        "progressive JPEG": encode(small, "JPEG", progressive=True),
        "CMYK JPEG": encode(small.convert("CMYK"), "JPEG", icc_profile=ink_profile()),
        "MPO": encode(small, "MPO", save_all=True, append_images=[small]),
        "transparent PNG": encode(glass(1), "PNG", icc_profile=profile(), exif=exif(6)),
        "transparent WEBP": encode(glass(1), "WEBP", exif=exif(6)),
        "compressed TIFF": encode(small, "TIFF", compression="tiff_lzw", exif=exif(6)),
        "TIFF of pages": animation("TIFF", 3),
        "HEIF of pictures": animation("HEIF", 3),
    }


def jpeg_tiff_of_no_jpeg() -> bytes:
    """Return a TIFF that says its strip is a JPEG and is not: libtiff complains, quoting the strip's first bytes."""
    whole = bytearray(encode(picture(3), "TIFF", compression="jpeg"))
    start = whole.index(b"\xff\xd8\xff\xc0") if b"\xff\xd8\xff\xc0" in whole else whole.rindex(b"\xff\xd8")
    whole[start : start + 2] = b"PX"
    return bytes(whole)
