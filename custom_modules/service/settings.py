"""What a service allows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of a service, so that no request and no number of them harms it.

    Attributes:
        requests: number of requests at work at a time; more are refused with 503.
        request_bytes: number of bytes of a request's body.
        held_bytes: number of bytes of all bodies that are here at a time, and as many of all
            answers that their clients have not taken; the oldest upload, or the answer that waits
            longest, gives way.
        images: number of images in a request.
        pixels: number of pixels of an image; read from its header, before anything is decoded.
        side: longest side of an image, in pixels; OpenCV enlarges nothing beyond 32,767.
        decoders: number of processes that decode images.
        decode_seconds: seconds that an image may take to be decoded; then its process is killed.
        queue: number of images that wait for the network; more are refused with 503.
        queue_pixels: number of pixels of the images between decoding and answer; this bounds the
            memory.
        seconds: seconds that a request waits for others, from the end of its body; then it gets
            503.
        batch: number of images that the network sees at a time.
        linger: seconds that the first image of a batch waits for others.
        connections: number of connections open at a time; one more ends the one that has let us
            wait longest.
        header_seconds: seconds that a client has for the header of a request.
        body_seconds: seconds that a client has for the body of a request.
        answer_seconds: seconds that a client has to take the answer.
    """

    requests: int = 256
    request_bytes: int = 32 * 2**20
    held_bytes: int = 256 * 2**20
    images: int = 16
    pixels: int = 40_000_000
    side: int = 16_384
    decoders: int = 2
    decode_seconds: float = 5.0
    queue: int = 32
    queue_pixels: int = 64_000_000
    seconds: float = 10.0
    batch: int = 8
    linger: float = 0.005
    connections: int = 4000
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    answer_seconds: float = 30.0
