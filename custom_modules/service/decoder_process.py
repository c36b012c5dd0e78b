"""A process that decodes images for a service and may be killed at any moment (``Decoders``).

On stdin: the lengths of a file and of a rule of reading (8 bytes each), the file, the rule (JSON).
On stdout, once: ``READY``; then for each file status of HTTP, height, width and channels of the
image (4 bytes each), and its pixels; or a refusal's status, the length of its text and twice 0, and
the text.
"""

import faulthandler
import json
import os
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


#: Status of a process that failed.
FAILED = 3


def import_bare(folder: Path) -> None:
    """Let modules be imported without their packages, which import torch: two seconds."""
    for name in ('', '.datasets', '.service'):
        package = ModuleType(f'custom_modules{name}')
        package.__path__ = [str(folder.joinpath(name[1:]))]
        sys.modules[package.__name__] = package


def _bound(pixels: int) -> None:
    """Bound the memory of this process, and let it write neither files nor its own remains."""
    from custom_modules.base.system import resource

    if resource is None:  # Windows has no such bounds
        return
    try:
        used = Path('/proc/self/statm').read_text(encoding='utf-8')
    except OSError:  # only Linux has it, and keeps to the bound
        pass
    else:
        size = int(used.split()[0]) * resource.getpagesize()
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
    nowhere = open(os.devnull, 'w', encoding='utf-8')  # noqa: SIM115  (it stays open)
    os.dup2(2, 1)  # what a library prints is no answer
    _bound(limits.pixels)
    answers.write(READY)
    answers.flush()
    answer: tuple[bytes, Any]
    while lengths := files.read(LENGTHS.size):
        data, rule = map(files.read, LENGTHS.unpack(lengths))
        # Nobody has to be there to end this process: a thread of the interpreter does it, inside of
        # a library too, on every system. It looks where the process is before it ends it, which may
        # be fatal by itself: the status says nothing.
        faulthandler.dump_traceback_later(limits.decode_seconds, exit=True, file=nowhere)
        try:
            image = decode(data, limits, ImageReading.of(json.loads(rule)))
            answer = HEADER.pack(200, *image.shape), image.data
            del image
        except RefusedImageError as error:
            text = error.detail.encode()
            answer = HEADER.pack(error.status, len(text), 0, 0), text
        faulthandler.cancel_dump_traceback_later()
        for part in answer:
            answers.write(part)
        answers.flush()
        del data, answer  # or the next file would need room beside them


if __name__ == '__main__':
    try:
        main()
    except Exception:
        os._exit(FAILED)
