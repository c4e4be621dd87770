"""What is wrong with a moderated picture: it must open, have the shape of what was sent, and say what was decided."""

from io import BytesIO

from PIL import Image, UnidentifiedImageError

from traffic.call import ExpectedImage, Reply
from traffic.references import References
from trust_nsfw.schema import LABELS, Action
from trust_nsfw.settings import Limits

LABEL_SET = frozenset(LABELS)
ACTIONS = frozenset(Action)
MAX_SIDE_PX = Limits().max_moderated_side_px
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
"""Of each type that moderated images have, by Pillow's names."""


def problem_of_picture(image: ExpectedImage, reply: Reply, references: References, policy: str) -> str | None:
    """Return what is wrong, None when nothing is; `policy` is the one asked for. Reads no more than the header."""
    headers = reply.headers
    kind = headers.get("content-type", "nothing")
    try:
        with Image.open(BytesIO(reply.body), formats=[FORMATS[kind]]) as picture:
            size = picture.size
    except (KeyError, UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        return f"no picture of a known type: {kind} that begins with {reply.body[:12]!r}"
    action, label = headers.get("x-moderation-action"), headers.get("x-moderation-label")
    if action not in ACTIONS or label not in LABEL_SET:
        return f"a moderated picture of action {action} and label {label}"
    if image.size_px is not None and (problem := _problem_of_size(size, image.size_px)):
        return problem
    if (best := references.best_of(image.key)) not in (None, label):
        return f"a moderated picture of label {label}; its best score is that of {best}"
    if (right := references.action_of(image.key, policy)) not in (None, action):
        return f"a moderated picture of action {action}; its scores make {right}"
    return None


def _problem_of_size(found: tuple[int, int], sent: tuple[int, int]) -> str | None:
    """Compare shapes: each side may be a pixel off, for it was rounded; a small picture is never enlarged."""
    (width, height), (sent_width, sent_height) = found, sent
    if max(found) > MAX_SIDE_PX or width > sent_width or height > sent_height:
        return (
            f"a moderated picture of {width}x{height} px; sent were {sent_width}x{sent_height}, of {MAX_SIDE_PX} kept"
        )
    if abs(width * sent_height - height * sent_width) > sent_width + sent_height:
        return f"a moderated picture of {width}x{height} px, another shape than the {sent_width}x{sent_height} sent"
    return None
