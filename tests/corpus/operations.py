"""What a machine and its disk do to files that PetSeg wrote."""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import cv2
import numpy as np

from custom_modules.base.whole_file import disk_error, whole_file
from custom_modules.datasets.image_cache import open_cache
from custom_modules.datasets.transforms.loading import LoadImage, LoadMask
from custom_modules.datasets.transforms.resizing import Resize
from custom_modules.runs.named_runs import named_folders
from custom_modules.runs.run_folder import find_run

from .case import Case

SIZE = (4, 6)


def _flip(name: str, where: int) -> Callable[[Path], None]:
    """Return what changes one bit of a file of a cache."""

    def damage(place: Path) -> None:
        path = place / name
        content = bytearray(path.read_bytes())
        content[where] ^= 1
        path.write_bytes(content)

    return damage


def _replace(name: str, make: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Return what replaces an array of a cache by another."""

    def damage(place: Path) -> None:
        np.save(place / name, make(np.load(place / name)))

    return damage


def _entries(folder: Path) -> list[dict]:
    """Write two images and masks that differ in every pixel."""
    entries = []
    for number in range(2):
        paths = {key: str(folder / f'{key}_{number}.png') for key in ('img_path', 'seg_map_path')}
        cv2.imwrite(paths['img_path'], np.full((*SIZE, 3), 50 + 100 * number, np.uint8))
        cv2.imwrite(paths['seg_map_path'], np.full(SIZE, 1 - number, np.uint8))
        entries.append(paths | dict(mask_encodings=({0: 0, 1: 1},)))
    return entries


def _cache(damage: Callable[[Path], None]) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        entries = _entries(folder)
        steady = [LoadImage(), LoadMask(), Resize(scale=SIZE[::-1])]
        cache, _ = open_cache(entries, steady, folder / 'caches')
        damage(cache.place)
        cache, line = open_cache(entries, steady, folder / 'caches')
        found = [cache.fill(index, dict(entry)) for index, entry in enumerate(entries)]
        for number, results in enumerate(found):
            assert results is None or (results['img'] == 50 + 100 * number).all()
            assert results is None or (results['gt_seg_map'] == 1 - number).all()
        if None not in found:
            return 'built anew' if 'built' in line else 'used'
        _, line = open_cache(entries, steady, folder / 'caches')
        assert 'built' in line
        return f'{found.count(None)} of 2 images from their files, then built anew'

    return run


ONE, BOTH = (f'{number} of 2 images from their files, then built anew' for number in (1, 2))

CACHES: dict[str, tuple[Callable[[Path], None], str]] = {
    'untouched': (lambda _: None, 'used'),
    'a bit of an image': (_flip('images.npy', -1), ONE),
    'a bit of a mask': (_flip('masks.npy', -1), ONE),
    'a bit of a size': (_flip('shapes.npy', -8), ONE),
    'a bit of a checksum': (_flip('checksums.npy', -1), ONE),
    'images in another order': (_replace('images.npy', lambda a: a[::-1]), BOTH),
    'width and height exchanged': (
        _replace('images.npy', lambda a: a.reshape(2, *SIZE[::-1], 3)),
        'built anew',
    ),
    'width and height exchanged, of the masks too': (
        lambda place: [
            _replace(name, lambda a: a.reshape(2, *SIZE[::-1], *a.shape[3:]))(place)
            for name in ('images.npy', 'masks.npy')
        ],
        BOTH,
    ),
    'sizes of nothing': (_replace('shapes.npy', np.zeros_like), BOTH),
    'an image less': (_replace('masks.npy', lambda a: a[:1]), 'built anew'),
    'numbers of another kind': (_replace('images.npy', lambda a: a.astype(float)), 'built anew'),
    'no checksums': (lambda place: (place / 'checksums.npy').unlink(), 'built anew'),
}


def _saved(folder: Path, name: str, days: float, file: str = 'last.pth') -> None:
    """Write the state of a run so many days from now."""
    (folder / name).mkdir(exist_ok=True, parents=True)
    (folder / name / file).write_bytes(b'')
    when = time.time() + 86400 * days
    os.utime(folder / name / file, (when, when))


def _resume(make: Callable[[Path], object]) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        work_dir = folder / 'runs'
        _saved(work_dir, '20260102_000000', -1)
        make(work_dir)
        return find_run(work_dir).name

    return run


def _link(folder: Path, name: str) -> None:
    _saved(folder.parent / 'others', '20260103_000000', -0.5)
    (folder / name).symlink_to(folder.parent / 'others' / '20260103_000000')


def _latest(folder: Path) -> str:
    _link(folder, 'latest')
    return str(named_folders([str(folder)]))


RUNS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    'a name of the year 2999, saved before': (
        lambda folder: _saved(folder, '29990101_000000', -2),
        '',
        '20260102_000000',
    ),
    'an old run that went on last': (
        lambda folder: _saved(folder, '20250101_000000', -0.5),
        '',
        '20250101_000000',
    ),
    'saved in the year 2999': (
        lambda folder: _saved(folder, '20260101_000000', 365 * 973),
        'saved in the future by the clock of this machine; name the run',
        '',
    ),
    'saved some minutes ahead, by the clock of a file server': (
        lambda folder: _saved(folder, '20260101_000000', 0.01),
        '',
        '20260101_000000',
    ),
    'a newer run behind a link out of the folder': (
        lambda folder: _link(folder, '20260103_000000'),
        '',
        '20260102_000000',
    ),
    'latest leads out of the folder': (
        lambda folder: _link(folder, 'latest'),
        '',
        '20260102_000000',
    ),
    'only the state before the last is newer': (
        lambda folder: _saved(folder, '20260101_000000', -0.5, 'previous.pth'),
        '',
        '20260101_000000',
    ),
}


def _disk(function: str, number: int) -> Callable[[Path], str]:
    """Return what writes a file on a disk that refuses it, where there was one before."""

    def run(folder: Path) -> str:
        path = folder / 'metrics.json'
        path.write_text('before')
        error = OSError(number, os.strerror(number))
        if function == 'open':
            error.filename = str(folder / f'.metrics.json.{os.getpid()}.part')
        try:
            with mock.patch(function, side_effect=error), whole_file(path) as file:
                file.write('after')
        finally:
            assert path.read_text() == 'before'
            assert list(folder.iterdir()) == [path]
        return 'written'

    return run


def _odd_place(make: Callable[[Path], object]) -> Callable[[Path], str]:
    """Return what writes to a place that is no usual file."""

    def run(folder: Path) -> str:
        path = folder / 'metrics.json'
        make(path)
        with whole_file(path) as file:
            file.write('after')
        assert path.read_text() == 'after'
        return 'link' if path.is_symlink() else 'file'

    return run


def _link_to_file(path: Path) -> None:
    (path.parent / 'other.json').write_text('before')
    path.symlink_to('other.json')


DISKS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'full': (_disk('os.fsync', errno.ENOSPC), 'No space left on device); free some space', ''),
    'share of this user is used up': (
        _disk('os.fsync', errno.EDQUOT),
        'Disk quota exceeded); free some space',
        '',
    ),
    'no room for one more file': (
        _disk('builtins.open', errno.ENOSPC),
        'No space left on device); free some space there (df, df -i)',
        '',
    ),
    'file system that holds smaller files': (
        _disk('os.fsync', errno.EFBIG),
        'File too large); free some space',
        '',
    ),
    'to be read only': (_disk('builtins.open', errno.EROFS), 'Read-only file system', ''),
    'became read-only meanwhile': (_disk('os.fsync', errno.EROFS), 'Read-only file system', ''),
    'folder without permission': (_disk('builtins.open', errno.EACCES), 'Permission denied', ''),
    'breaks': (_disk('os.fsync', errno.EIO), 'Input/output error', ''),
    'was taken from a server': (_disk('os.fsync', errno.ESTALE), 'Stale file handle', ''),
    'too many open files': (_disk('builtins.open', errno.EMFILE), 'Too many open files', ''),
    'device in place of a file': (
        _odd_place(lambda path: path.symlink_to(os.devnull)),
        '/dev/null: is no file',
        '',
    ),
    'pipe in place of a file': (_odd_place(os.mkfifo), 'metrics.json: is no file', ''),
    'folder in place of a file': (_odd_place(Path.mkdir), 'metrics.json: is no file', ''),
    'link to a file': (_odd_place(_link_to_file), '', 'link'),
}


def _at_the_end(error: Exception) -> Callable[[Path], str]:
    """Return what makes a message of an error that nobody expected."""

    def run(folder: Path) -> str:  # noqa: ARG001
        found = disk_error(error)
        if found is None:
            return 'a fault of ours'
        raise found

    return run


ERRORS: dict[str, tuple[Exception, str, str]] = {
    'full disk, of any library in Python': (
        OSError(errno.ENOSPC, 'No space left on device', '/data/a'),
        '/data/a: cannot be written (No space left on device); free some space',
        '',
    ),
    'full disk, of a library in C++': (
        RuntimeError('write failed\n/data/a: No space left on device\nframe 1'),
        '/data/a: No space left on device; free some space',
        '',
    ),
    'no shared memory for the workers': (
        RuntimeError('unable to write to file </torch_1_2>: No space left on device (28)'),
        'a larger /dev/shm, or num_workers=0',
        '',
    ),
    'file of somebody else': (
        PermissionError(errno.EACCES, 'Permission denied', '/data/a'),
        '/data/a: Permission denied',
        '',
    ),
    'anything else': (RuntimeError('no space for another dimension'), '', 'a fault of ours'),
}

OPERATIONS = (
    *(
        Case('disk that is written to', name, run, refused=refused, read=read)
        for name, (run, refused, read) in DISKS.items()
    ),
    *(
        Case('error that reaches the end of a tool', name, _at_the_end(error), refused, read)
        for name, (error, refused, read) in ERRORS.items()
    ),
    *(
        Case('cache of images', name, _cache(damage), read=read)
        for name, (damage, read) in CACHES.items()
    ),
    *(
        Case('newest run', name, _resume(make), refused=refused, read=read)
        for name, (make, refused, read) in RUNS.items()
    ),
    Case('newest run', 'latest of a report leads out of the folder', _latest, 'name a run'),
)
