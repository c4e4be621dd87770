"""Encoded bytes -> what a decoder needs of them: the format by signature, and a body without the metadata.

Decoders spend unbounded time and memory on metadata that no pixel depends on: repeated EXIF segments, compressed text,
tags with millions of values. What they never see can't hurt, and can't fail an image. Only structure is read here, so
this package needs no imaging library; each module knows one container.
"""

from dataclasses import dataclass

from trust_nsfw.containers import bmff, gif, jpeg, png, tiff, webp
from trust_nsfw.errors import UnsupportedFormat

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
"""What is accepted, by Pillow's names; SVG, PDF, PSD, ICO and all others are not even tried."""

SIGNATURES: dict[str, bytes | tuple[bytes, ...]] = {
    "JPEG": b"\xff\xd8\xff",
    "PNG": png.SIGNATURE,
    "GIF": (b"GIF87a", b"GIF89a"),
    "TIFF": tiff.SIGNATURES,
}

BMP_HEADER_BYTES = {12, 16, 40, 52, 56, 64, 108, 124}
"""Sizes of the header that follows a bitmap's first 14 bytes: two letters alone make no signature."""


@dataclass(frozen=True, slots=True)
class Container:
    """One recognised image file.

    `frames` is None where the decoder knows the number from a header. `scans` is how often a decoder passes over the
    whole picture.
    """

    format: str
    body: bytes
    frames: int | None = None
    scans: int = 1


def read(payload: bytes) -> Container:
    """Recognise one image file.

    Raises UnsupportedFormat; ImageTooLarge when it has more parts than any real image; CorruptImage.
    """
    body, frames, scans = payload, None, 1
    match name := _format(payload):
        case "JPEG":
            body, scans = jpeg.lean(payload)
        case "PNG":
            body = png.lean(payload)
        case "WEBP":
            body = webp.lean(payload)
        case "GIF":
            body, frames = gif.lean(payload)
        case "TIFF":
            body, frames = tiff.lean(payload)
        case "AVIF" | "HEIF":
            body = bmff.lean(payload)
    return Container(name, body, frames, scans)


def _format(payload: bytes) -> str:
    """Return one of FORMATS by the first bytes."""
    for name, signatures in SIGNATURES.items():
        if payload.startswith(signatures):
            return name
    if payload.startswith(b"RIFF") and payload[8:12] == b"WEBP":
        return "WEBP"
    if payload.startswith(b"BM") and int.from_bytes(payload[14:18], "little") in BMP_HEADER_BYTES:
        return "BMP"
    if brand := bmff.format_of(payload):
        return brand
    raise UnsupportedFormat(f"not an image of an accepted format: {', '.join(FORMATS)}")
