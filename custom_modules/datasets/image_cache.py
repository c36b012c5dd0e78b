"""Decoded and resized images of a data set in memory-mapped files that workers and ranks share."""

import hashlib
import json
import logging
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import filelock
import numpy as np
import simplejpeg
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from ..base.errors import UnreadableImageError
from ..base.progress import ProgressBar
from .transforms.loading import LoadImage, LoadMask
from .transforms.resizing import Resize, ResizeForScoring

#: Name of the folder beside the data, unless the config names another place.
FOLDER = '.petseg_cache'

#: Changes when what the files hold changes its meaning.
VERSION = 3

#: Deterministic transforms, done once for all epochs; they change ``img`` and ``gt_seg_map`` alone.
DETERMINISTIC = (LoadImage, LoadMask, Resize, ResizeForScoring)


class CacheUnavailableError(Exception):
    """The data set is used without a cache; the text says why."""


@dataclass(frozen=True)
class ImageCache:
    """What the deterministic transforms made of each image.

    Attributes:
        images: (N, H, W, C) uint8, BGR where C is 3, memory-mapped.
        masks: (N, H, W) uint8, memory-mapped.
        shapes: (N, 2) int32, height and width of the files; 0 where they cannot be decoded.
        checksums: (N,) uint32, what ``checksum`` returned for each image when the cache was built.
        place: folder of this cache.
    """

    images: np.ndarray
    masks: np.ndarray
    shapes: np.ndarray
    checksums: np.ndarray
    place: Path

    def fill(self, index: int, results: dict) -> dict | None:
        """Put copies of image and mask into ``results``, as the deterministic transforms would.

        Returns:
            ``results``; None where the files themselves have to be read, because they could not be
            decoded or because what the cache holds is not what was written. Of the latter a warning
            tells, and the next run builds the cache anew.
        """
        image, mask = np.array(self.images[index]), np.array(self.masks[index])
        if checksum(image, mask, self.shapes[index]) != self.checksums[index]:
            self._report_damage(results['img_path'])
            return None
        if not self.shapes[index].all():
            return None
        results['img'], results['gt_seg_map'] = image, mask
        results['img_shape'] = image.shape[:2]
        results['ori_shape'] = tuple(int(side) for side in self.shapes[index])
        results['seg_fields'] = ['gt_seg_map']
        before, after = results['ori_shape'], results['img_shape']
        results['size_changes'] = [('resize', before, after)] if before != after else []
        return results

    def _report_damage(self, path: str) -> None:
        """Say it once, and let the next process find no whole cache."""
        try:
            (self.place / 'checksums.npy').unlink()
        except FileNotFoundError:
            return
        except OSError:  # a folder that may only be read
            pass
        print_log(
            f'{self.place}: the cache is damaged at {path}; the files are read instead, and the '
            'next run that may write there builds the cache anew',
            'current',
            logging.WARNING,
        )


def checksum(image: np.ndarray, mask: np.ndarray, shape: np.ndarray) -> int:
    """Return the CRC-32 of an image (H, W, C) and a mask (H, W), both uint8, and of their sizes.

    Args:
        image: (H, W, C) uint8, contiguous.
        mask: (H, W) uint8, contiguous.
        shape: (2,) int32, height and width of the file in pixels.
    """
    sizes = np.array([*image.shape, *mask.shape, *shape], '<i4')
    return zlib.crc32(mask.data, zlib.crc32(image.data, zlib.crc32(sizes.data)))


def split_deterministic(transforms: Sequence[Callable]) -> tuple[list[Callable], list[Callable]]:
    """Return the transforms that need to run only once and those that follow them."""
    number = 0
    while number < len(transforms) and type(transforms[number]) in DETERMINISTIC:
        number += 1
    return list(transforms[:number]), list(transforms[number:])


def open_cache(
    entries: Sequence[dict], deterministic: Sequence[Callable], folder: Path
) -> tuple[ImageCache, str]:
    """Return the cache of these images, which is built if it is not there, and a line about it.

    The name of a cache is a digest of all that decides about its pixels: the files' paths, sizes
    and modification times, the meaning of images and masks, the transforms, the versions of OpenCV
    and of the decoder of JPEG. It is written into a staging folder, which is renamed when it is
    whole and on the disk, so no reader ever sees half of it; a lock lets one process build while
    others wait.

    Args:
        entries: entries of the data set, with ``img_path``, ``seg_map_path`` and
            ``mask_encodings``.
        deterministic: transforms that need to run only once, as ``split_deterministic`` returns
            them.
        folder: folder for caches; created if need be.

    Raises:
        CacheUnavailableError: the images differ in size after ``deterministic``, there is no room,
            or none of them can be read.
        UserError: a mask has values that its data set does not allow.
    """
    if not any(isinstance(step, Resize) for step in deterministic):
        raise CacheUnavailableError('the pipeline does not begin with a resize to one size')
    place = folder / _digest(entries, deterministic)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / f'{place.name}.lock'):
            cache = _read(place, len(entries))
            how = 'found'
            if cache is None:
                _build(entries, deterministic, place)
                cache = _read(place, len(entries))
                how = 'built'
    except OSError as error:
        raise CacheUnavailableError(f'{error.strerror or error} in {folder}') from None
    assert cache is not None
    height, width = cache.images.shape[1:3]
    megabytes = (cache.images.nbytes + cache.masks.nbytes) / 2**20
    line = f'{len(entries):,} images at {width}x{height}, {megabytes:.0f} MiB, {how} in {place}'
    return cache, line


def _digest(entries: Sequence[dict], deterministic: Sequence[Callable]) -> str:
    files = [
        (entry[key], stat.st_size, stat.st_mtime_ns)
        for entry in entries
        for key in ('img_path', 'seg_map_path')
        for stat in (Path(entry[key]).stat(),)
    ]
    encodings = [f'{entry["mask_encodings"]} {entry.get("image_reading")!r}' for entry in entries]
    steps = [[type(step).__name__, str(sorted(vars(step).items()))] for step in deterministic]
    versions = [VERSION, cv2.__version__, simplejpeg.__version__]
    text = json.dumps([versions, files, encodings, steps])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(place: Path, number: int) -> ImageCache | None:
    """Return the cache, or None if it is not there or damaged."""
    try:
        arrays = [
            np.load(place / f'{name}.npy', mmap_mode='r', allow_pickle=False)
            for name in ('images', 'masks', 'shapes', 'checksums')
        ]
    except (OSError, ValueError, EOFError):
        return None
    images, masks, shapes, checksums = arrays
    size = images.shape[1:3]
    whole = (
        images.ndim == 4
        and images.shape[:3] == (number, *size)
        and masks.shape == (number, *size)
        and shapes.shape == (number, 2)
        and checksums.shape == (number,)
        and [array.dtype for array in arrays] == [np.uint8, np.uint8, np.int32, np.uint32]
    )
    return ImageCache(images, masks, shapes, checksums, place) if whole else None


def _build(entries: Sequence[dict], deterministic: Sequence[Callable], place: Path) -> None:
    for left in place.parent.glob(f'{place.name}.*.part'):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    staging = place.with_name(f'{place.name}.{os.getpid()}.part')
    staging.mkdir()
    try:
        first = next((r for r in _run_all(entries, deterministic) if r is not None), None)
        if first is None:
            raise CacheUnavailableError('not one image can be read')
        height, width, channels = first['img'].shape
        if first['gt_seg_map'].shape != (height, width):
            raise CacheUnavailableError('masks are scored at their original size')
        needed = len(entries) * height * width * (channels + 1)
        free = shutil.disk_usage(staging).free
        # A machine whose disk is full to the last byte is no help to anybody.
        if needed > 0.9 * free:
            raise CacheUnavailableError(
                f'{needed / 2**30:.1f} GiB are needed, {free / 2**30:.1f} are free'
            )
        _write(entries, deterministic, staging, (height, width, channels))
        shutil.rmtree(place, ignore_errors=True)  # a damaged one
        staging.rename(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _write(
    entries: Sequence[dict],
    deterministic: Sequence[Callable],
    folder: Path,
    shape: tuple[int, int, int],
) -> None:
    size = shape[:2]
    shapes = np.zeros((len(entries), 2), np.int32)
    checksums = np.zeros(len(entries), np.uint32)
    # Plain writes, because a full disk under a memory map kills the process.
    with (
        _array_file(folder / 'images.npy', (len(entries), *shape)) as images,
        _array_file(folder / 'masks.npy', (len(entries), *size)) as masks,
        ProgressBar('caching images', len(entries), visible=is_main_process()) as bar,
    ):
        for index, results in enumerate(_run_all(entries, deterministic)):
            if results is None:  # a hole; whoever asks for it reads the file and learns why
                image, mask = np.zeros(shape, np.uint8), np.zeros(size, np.uint8)
            elif results['img'].shape != shape:
                raise CacheUnavailableError(
                    f'{results["img_path"]} has another size than the first image'
                )
            else:
                image, mask = map(np.ascontiguousarray, (results['img'], results['gt_seg_map']))
                shapes[index] = results['ori_shape']
            images.write(image.data)
            masks.write(mask.data)
            checksums[index] = checksum(image, mask, shapes[index])
            bar.advance()
        for file in (images, masks):
            file.flush()
            os.fsync(file.fileno())
    np.save(folder / 'shapes.npy', shapes, allow_pickle=False)
    np.save(folder / 'checksums.npy', checksums, allow_pickle=False)


def _array_file(path: Path, shape: tuple[int, ...]) -> BinaryIO:
    """Open a .npy file of uint8 whose header is written; the values are to follow."""
    file = open(path, 'wb')  # noqa: SIM115  (the caller closes it)
    header = dict(descr='|u1', fortran_order=False, shape=shape)
    np.lib.format.write_array_header_1_0(file, header)
    return file


def _run(deterministic: Sequence[Callable], entry: dict) -> dict | None:
    results: Any = dict(entry)
    try:
        for step in deterministic:
            results = step(results)
    except UnreadableImageError:
        return None
    return results


def _run_all(entries: Sequence[dict], deterministic: Sequence[Callable]) -> Iterator[dict | None]:
    """Run the deterministic transforms of all entries, on all cores, a few hundred images ahead.

    Yields None in place of an image that cannot be decoded.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(entries), 256):
            part = entries[start : start + 256]
            yield from pool.map(lambda entry: _run(deterministic, entry), part)
