"""What a service allows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of a service, so that no request and no number of them harms it.

    Attributes:
        requests: at work at a time; more are refused with 503.
        request_bytes: of a request's body.
        images: of a request.
        pixels: of an image; read from its header, before anything is decoded.
        queue: images that wait for the network; more are refused with 503.
        queue_pixels: of the images that wait, together; this bounds the memory.
        seconds: that an image waits at most; later it is refused with 503.
        batch: images that the network sees at a time.
        linger: seconds that the first image of a batch waits for others.
    """

    requests: int = 256
    request_bytes: int = 32 * 2**20
    images: int = 16
    pixels: int = 40_000_000
    queue: int = 32
    queue_pixels: int = 200_000_000
    seconds: float = 10.0
    batch: int = 8
    linger: float = 0.005
