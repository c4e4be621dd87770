"""Whether an image can be served: it is decoded whole, by the decoder that serves and within its limits."""

from dataclasses import dataclass

from dataset.signature import Signature
from trust_nsfw.errors import InternalError, ServiceError
from trust_nsfw.images import decode
from trust_nsfw.settings import Limits

LIMITS = Limits()
"""The service's own: an image that it would refuse teaches and measures nothing."""

EXTENSIONS = {"JPEG": "jpg", "TIFF": "tif", "HEIF": "heic"}


@dataclass(frozen=True, slots=True)
class Verified:
    """An image that decodes: format, size in px as shown upright, and the signature of its first view."""

    format: str
    width: int
    height: int
    signature: Signature

    @property
    def extension(self) -> str:
        """What its file's name ends in, without the dot."""
        return EXTENSIONS.get(self.format, self.format.lower())


@dataclass(frozen=True, slots=True)
class Refused:
    """An image that doesn't: the service's own error code and message."""

    code: str
    message: str

    @property
    def is_final(self) -> bool:
        """False where it was this machine that failed, not the image."""
        return self.code != InternalError.code


def verify(payload: bytes) -> Verified | Refused:
    """Decode every view of an image that the service would decode."""
    try:
        image = decode(payload, LIMITS)
        signatures = [Signature.of(view.rgb) if number == 0 else None for number, view in enumerate(image.views)]
    except ServiceError as error:
        return Refused(error.code, str(error))
    except MemoryError:
        return Refused(InternalError.code, "there is not enough memory for this image")
    assert signatures[0] is not None
    return Verified(image.format, image.width, image.height, signatures[0])
