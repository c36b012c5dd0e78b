"""A process that decodes images for a service and may be killed at any moment (``Decoders``).

On stdin: the lengths of a file and of a rule of reading (8 bytes each), the file, the rule (JSON).
On stdout, once: ``READY``; then for each file status of HTTP, height, width and channels of the
image (4 bytes each), and its pixels; or a refusal's status, the length of its text and twice 0, and
the text.
"""

import json
import os
import resource
import signal
import struct
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

READY = b'ready'

#: Of the lengths before a file, and of what precedes an answer.
LENGTHS, HEADER = struct.Struct('>QQ'), struct.Struct('>IIII')

#: Bytes of memory for each pixel that an image may have, and for all else.
BYTES_PER_PIXEL, BYTES = 32, 1 << 28


def import_bare(folder: Path) -> None:
    """Let modules be imported without their packages, which import torch: two seconds."""
    for name in ('', '.datasets', '.service'):
        package = ModuleType(f'custom_modules{name}')
        package.__path__ = [str(folder.joinpath(name[1:]))]
        sys.modules[package.__name__] = package


def _bound(pixels: int) -> None:
    """Bound the memory of this process, and let it write neither files nor its own remains."""
    if (used := Path('/proc/self/statm')).exists():  # Linux; others do not keep to this bound
        size = int(used.read_text().split()[0]) * resource.getpagesize()
        size += BYTES + BYTES_PER_PIXEL * pixels
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    import_bare(Path(__file__).resolve().parents[1])
    import cv2

    # Absolute, since this file runs as a script.
    from custom_modules.datasets.image_reading import ImageReading
    from custom_modules.service.decoding import RefusedImageError, decode
    from custom_modules.service.settings import Limits

    cv2.setNumThreads(1)
    limits = Limits(**json.loads(sys.argv[1]))
    files, answers = sys.stdin.buffer, os.fdopen(os.dup(1), 'wb')
    os.dup2(2, 1)  # what a library prints is no answer
    _bound(limits.pixels)
    answers.write(READY)
    answers.flush()
    answer: tuple[bytes, Any]
    while lengths := files.read(LENGTHS.size):
        data, rule = map(files.read, LENGTHS.unpack(lengths))
        # Nobody has to be there to end this process: the signal does it, inside of a library too.
        signal.setitimer(signal.ITIMER_REAL, limits.decode_seconds)
        try:
            image = decode(data, limits, ImageReading.of(json.loads(rule)))
            answer = HEADER.pack(200, *image.shape), image.data
            del image
        except RefusedImageError as error:
            text = error.detail.encode()
            answer = HEADER.pack(error.status, len(text), 0, 0), text
        signal.setitimer(signal.ITIMER_REAL, 0)
        for part in answer:
            answers.write(part)
        answers.flush()
        del data, answer  # or the next file would need room beside them


if __name__ == '__main__':
    main()
