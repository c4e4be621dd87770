"""Every error the service can answer or refuse to start with: a stable code and an HTTP status each."""

from typing import ClassVar


class ServiceError(Exception):
    """Base of the errors a caller sees; the message names the value and the limit, never a path or image bytes."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500


class InternalError(ServiceError):
    """A fault of ours. It is never turned into an allow."""


class InvalidRequest(ServiceError):
    """Malformed JSON, base64 or form; an unknown key; nothing to classify."""

    code = "invalid_request"
    status = 400


class EmptyImage(ServiceError):
    """No bytes where an image should be."""

    code = "empty_image"
    status = 400


class UnknownPolicy(ServiceError):
    """No policy of that name is loaded."""

    code = "unknown_policy"
    status = 400


class UrlNotAllowed(ServiceError):
    """An image given by URL: the service fetches nothing."""

    code = "url_not_allowed"
    status = 403


class ImageTooLarge(ServiceError):
    """More pixels, or a longer side, than the limit."""

    code = "image_too_large"
    status = 413


class TooManyImages(ServiceError):
    """More images, or more model inputs, in one request than the limit."""

    code = "too_many_images"
    status = 413


class UnsupportedFormat(ServiceError):
    """Not an image of an accepted format."""

    code = "unsupported_format"
    status = 415


class CorruptImage(ServiceError):
    """An accepted format, but it cannot be decoded."""

    code = "corrupt_image"
    status = 422


class StartupError(Exception):
    """Base of the reasons not to start serving; the message is one clear sentence."""


class SettingsError(StartupError):
    """A setting that is unknown, of the wrong type or out of range."""


class PolicyError(StartupError):
    """A policy file that cannot be honoured; the message names file and key."""


class CheckpointError(StartupError):
    """A checkpoint or manifest that is not what this service can serve exactly."""


class DriftError(StartupError):
    """The loaded engine no longer reproduces the golden pairs recorded when the archive was built."""
