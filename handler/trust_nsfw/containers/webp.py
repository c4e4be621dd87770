"""WebP (RFC 9649): nothing is cut out, but an animation is marked as one that may be transparent."""

EXTENDED, FLAGS_AT = b"VP8X", 20
ANIMATED, TRANSPARENT = 0x02, 0x10


def lean(payload: bytes) -> bytes:
    """Return the file with its transparency flag set if it is animated.

    Where no frame covers the canvas it is transparent whatever the flag says; Pillow shows black there without it.
    """
    if payload[12:16] != EXTENDED or len(payload) <= FLAGS_AT or not payload[FLAGS_AT] & ANIMATED:
        return payload
    return payload[:FLAGS_AT] + bytes([payload[FLAGS_AT] | TRANSPARENT]) + payload[FLAGS_AT + 1 :]
