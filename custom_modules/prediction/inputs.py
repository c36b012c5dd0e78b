"""What to predict: files, folders, patterns, videos and cameras of the command line."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePath

import cv2
import numpy as np

from ..base.errors import UnreadableImageError, UserError, did_you_mean
from ..datasets.binary_masks import IMAGE_SUFFIXES
from ..datasets.channels import swap_red_and_blue
from ..datasets.image_io import COLOURS, read_image
from ..datasets.image_reading import ImageReading

VIDEO_SUFFIXES = {'.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpg', '.mpeg', '.webm'}

#: Frames taken of a camera, which has no end, unless told otherwise.
CAMERA_FRAMES = 300


@dataclass(frozen=True)
class Source:
    """A file or a camera.

    Attributes:
        path: path of the file; for a camera its number.
        name: name of its results, without suffix: ``cat``, or ``garden/cat`` below a folder.
        moving: whether it is a video or a camera; its frames get ``<name>/000001`` and so on.
    """

    path: str
    name: str
    moving: bool = False

    @property
    def is_camera(self) -> bool:
        return self.moving and self.path.isdecimal()


@dataclass(frozen=True)
class Frame:
    """One image to predict.

    Attributes:
        source: file or camera that the image is from.
        name: name of its results, without suffix.
        image: (H, W, C) uint8, RGB where C is 3, upright: what a network sees.
        rate: frames per second of the video or camera; None for a photograph.
    """

    source: Source
    name: str
    image: np.ndarray
    rate: float | None = None


def find_sources(arguments: Sequence[str], leave_out: Sequence[Path] = ()) -> list[Source]:
    """Return what the arguments name, each file once, in their order and sorted within folders.

    Folders are searched with all folders below them, for the suffixes of images and videos; hidden
    files are passed over. Two files that would be called alike get ``cat`` and ``cat_2``.

    Args:
        arguments: files, folders, patterns such as ``photos/*.jpg``, numbers of cameras.
        leave_out: folders of earlier results, whose files are no inputs.

    Raises:
        UserError: an argument names nothing, or something that is no file, or a folder cannot be
            read.
    """
    names = _Names()
    sources: list[Source] = []
    seen: set[Path] = set()
    results = [folder.resolve() for folder in leave_out]
    for argument in arguments:
        if argument.isdecimal() and not Path(argument).exists():
            sources.append(Source(argument, names.claim(f'camera{argument}', True), moving=True))
            continue
        for path, name in _files(argument):
            resolved = path.resolve()
            if resolved in seen or any(map(resolved.is_relative_to, results)):
                continue
            seen.add(resolved)
            moving = path.suffix.lower() in VIDEO_SUFFIXES
            sources.append(Source(str(path), names.claim(name, moving), moving))
    if not sources:
        raise UserError(f'{" ".join(arguments)}: nothing to predict but earlier results')
    return sources


def _files(argument: str) -> Iterator[tuple[Path, str]]:
    """Yield the files that an argument names, and what each is called."""
    path = Path(argument)
    if path.is_dir():
        known = IMAGE_SUFFIXES | VIDEO_SUFFIXES
        found = [file for file in _below(path) if file.suffix.lower() in known and file.is_file()]
        if not found:
            raise UserError(
                f'{argument}: no images in it; known are {", ".join(sorted(IMAGE_SUFFIXES))}, '
                f'and videos {", ".join(sorted(VIDEO_SUFFIXES))}'
            )
        yield from ((file, file.relative_to(path).with_suffix('').as_posix()) for file in found)
    elif path.is_file():
        yield path, path.stem
    elif path.exists():
        raise UserError(f'{argument}: is neither a file nor a folder')
    else:
        # Path.glob does not take absolute patterns.
        matches = glob.glob(argument, recursive=True)  # noqa: PTH207
        found = [match for match in map(Path, matches) if match.exists()]
        if not found:
            beside = path.parent.iterdir() if path.parent.is_dir() else ()
            near = did_you_mean(path.name, [file.name for file in beside])
            raise UserError(f'{argument}: nothing there has this name or pattern{near}')
        for match in sorted(found):
            yield from _files(str(match))


def _below(folder: Path) -> list[Path]:
    """Return all files below a folder that are not hidden, sorted."""

    def refuse(error: OSError) -> None:  # Path.rglob would pass over what it may not read
        raise UserError(f'{error.filename}: cannot be read ({error.strerror})')

    found = []
    for place, inner, files in os.walk(folder, onerror=refuse):
        inner[:] = [name for name in inner if not name.startswith('.')]
        found += [Path(place, name) for name in files if not name.startswith('.')]
    return sorted(found)


class _Names:
    """Names that are taken, whether or not a file system tells capitals from small letters."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.folders: set[str] = set()
        self.videos: set[str] = set()

    def claim(self, name: str, moving: bool) -> str:
        """Return ``name``, or the first of ``name_2``, ``name_3``, ... that is free."""
        for number in count(1):
            tried = name if number == 1 else f'{name}_{number}'
            key = tried.casefold()
            folders = {parent.as_posix() for parent in PurePath(key).parents}
            taken = key in self.files or folders & self.videos or (moving and key in self.folders)
            if not taken:
                break
        self.files.add(key)
        self.folders |= folders
        if moving:
            self.videos.add(key)
        return tried


def count_frames(source: Source, limit: int | None) -> int:
    """Return how many images a source will give, as far as its file says so."""
    if not source.moving:
        return 1
    if source.is_camera:
        return limit or CAMERA_FRAMES
    video = cv2.VideoCapture(source.path)
    announced = max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
    video.release()
    return min(limit, announced) if limit else announced


def _channels(image: np.ndarray, reading: ImageReading, source: Source) -> np.ndarray:
    """Return what a network sees of a frame (H, W, 3) uint8 BGR."""
    try:
        return reading.apply(image[..., ::-1])
    except UserError as error:
        raise UserError(f'{source.path}: {error}') from None


def read_frames(
    source: Source, limit: int | None = None, reading: ImageReading = COLOURS
) -> Iterator[Frame]:
    """Yield the image of a photograph, or the frames of a video or camera.

    Args:
        source: file or camera, as ``find_sources`` returns it.
        limit: number of frames to take of a video or camera; None for all of a video and 300 of a
            camera.
        reading: rule by which values become channels; a frame has red, green and blue.

    Raises:
        UserError: an image is not as ``reading`` has it.
        UnreadableImageError: there is no image to decode, or a video ends long before its time.
    """
    if not source.moving:
        yield Frame(source, source.name, swap_red_and_blue(read_image(source.path, reading)))
        return
    video = cv2.VideoCapture(int(source.path) if source.is_camera else source.path)
    rate = video.get(cv2.CAP_PROP_FPS) or 25.0
    announced = count_frames(source, limit)
    number = 0
    try:
        while not limit or number < limit:
            if source.is_camera and number == announced:
                break
            there, image = video.read()
            if not there:
                break
            number += 1
            pixels = _channels(image, reading, source)
            yield Frame(source, f'{source.name}/{number:06}', pixels, rate)
    finally:
        video.release()
    if not number:
        kind = 'camera that answers' if source.is_camera else 'readable video'
        raise UnreadableImageError(f'{source.path}: not a {kind}')
    if number < 0.95 * announced:  # what a file announces is an estimate
        raise UnreadableImageError(
            f'{source.path}: only {number} of {announced} frames can be read; the file is damaged'
        )
