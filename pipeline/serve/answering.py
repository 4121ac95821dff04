"""From the bytes of an image to what a model says of it, as `maskline predict` says it."""

from __future__ import annotations

from pathlib import Path

from components.example_gen.samples import Reject
from components.imaging.files.codecs import Limits as FileLimits
from components.imaging.files.codecs import TooManyPixels, UnreadableImage
from components.predictions.answered import Answered, Loaded, answered, decoded
from components.predictions.inputs import Given
from pipeline.serve.current import Served
from pipeline.serve.limits import Limits, Refusal

_GIVEN = Given(Path("image"), "image")


def answer(served: Served, content: bytes, limits: Limits, threshold: float | None = None) -> Answered:
    """What the model says of an image.

    Args:
        served: that.
        content: of a file of any kind that `maskline predict` takes, without slides.
        limits: of the server.
        threshold: of the probability, in place of the model's own.

    Raises:
        Refusal: it is no image, or one beyond the limits; the model has no threshold, or no answer.
    """
    model = served.model
    if threshold is not None and model.task.several:
        raise Refusal(422, f"threshold: the most probable of {len(model.classes)} classes is predicted. Leave it out")
    point = None if threshold is None else model.point.model_copy(update={"threshold": threshold})
    loaded = _decoded(served, content, limits)
    with served.lock:
        [found] = answered(model, [loaded], point)
    if isinstance(found, Reject):
        raise Refusal(500, f"{found.reason}: roll version {served.version} back")
    return found


def _decoded(served: Served, content: bytes, limits: Limits) -> Loaded:
    try:
        within = FileLimits(limits.pixels, limits.seconds)
        return decoded(_GIVEN, content, served.model.derivation, limits=within)
    except TooManyPixels:
        raise Refusal(413, f"the image has more than the {limits.pixels} pixels that are taken here") from None
    except UnreadableImage as error:
        raise Refusal(422, f"the image cannot be read: {error}") from error
