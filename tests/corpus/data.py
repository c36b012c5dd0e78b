"""Data sets: list files, masks that do not belong to their images, folders of masks."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mmengine.registry import DATASETS
from PIL import Image

from custom_modules.datasets.oxford.dataset import read_list_file

from .case import Case

GOOD = b'Abyssinian_1 1 1 1\nbeagle_2 5 2 2\n'


def _list(content: bytes | None) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        path = folder / 'list.txt'
        if content is not None:
            path.write_bytes(content)
        return ', '.join(entry.sample_id for entry in read_list_file(path)) or 'no image'

    return run


BOTH = 'Abyssinian_1, beagle_2'

LISTS: dict[str, tuple[bytes | None, str, str]] = {
    'missing': (None, 'cannot be read', ''),
    'blank lines': (b'\n\n' + GOOD.replace(b'\n', b'\n\n'), '', BOTH),
    'Windows line ends': (GOOD.replace(b'\n', b'\r\n'), '', BOTH),
    'byte order mark': (b'\xef\xbb\xbf' + GOOD, '', BOTH),
    'comments': (b'#Image CLASS-ID SPECIES BREED ID\n' + GOOD, '', BOTH),
    'tabs and trailing spaces': (GOOD.replace(b' ', b'\t').replace(b'\n', b'  \n'), '', BOTH),
    'no newline at its end': (GOOD.rstrip(), '', BOTH),
    'the same image twice': (GOOD * 2, "'Abyssinian_1' is listed twice", ''),
    'a path upwards': (b'../../etc/passwd 1 1 1\n', 'is not the name of an image', ''),
    'an absolute path': (b'/etc/passwd 1 1 1\n', 'is not the name of an image', ''),
    'a path of Windows': (b'..\\secret 1 1 1\n', 'is not the name of an image', ''),
    'a hidden file': (b'.bashrc 1 1 1\n', 'is not the name of an image', ''),
    'three columns': (b'Abyssinian_1 1 1\n', 'expected "name class species breed"', ''),
    'five columns': (b'Abyssinian_1 1 1 1 1\n', 'expected "name class species breed"', ''),
    'a species that is neither cat nor dog': (b'parrot_1 1 3 1\n', 'with species 1 (cat)', ''),
    'a species in words': (b'Abyssinian_1 1 cat 1\n', 'with species 1 (cat)', ''),
    'commas': (b'Abyssinian_1,1,1,1\n', 'expected "name class species breed"', ''),
    'UTF-16': ('Abyssinian_1 1 1 1\n'.encode('utf-16'), 'no text in UTF-8', ''),
    'Latin-1': ('Käthe_1 1 1 1\n'.encode('latin-1'), 'no text in UTF-8', ''),
    'a picture': (b'\x89PNG\r\n\x1a\n' + bytes(range(256)), 'no text in UTF-8', ''),
    'a line of a million characters': (b'x' * 1_000_000, 'expected "name class species', ''),
}


def _pet(change: Callable[[Path], object], border: str = 'foreground') -> Callable[[Path], str]:
    """Return what a data set of two cats says after ``change`` to its folder."""

    def run(folder: Path) -> str:
        trimaps = folder / 'annotations' / 'trimaps'
        trimaps.mkdir(parents=True)
        (folder / 'images').mkdir()
        for name in ('Abyssinian_1', 'beagle_2'):
            Image.new('RGB', (8, 6)).save(folder / 'images' / f'{name}.jpg')
            Image.new('L', (8, 6), 2).save(trimaps / f'{name}.png')
        (folder / 'annotations' / 'test.txt').write_bytes(GOOD)
        change(folder)
        steps = [dict(type='LoadImage'), dict(type='LoadMask')]
        dataset = DATASETS.build(
            dict(
                type='OxfordPetDataset',
                data_root=str(folder),
                split='test',
                border=border,
                pipeline=steps,
            )
        )
        labels = np.unique(dataset[0]['gt_seg_map']).tolist()
        return f'{len(dataset)} images, labels {labels}'

    return run


def _trimap(values: list[int], size: tuple[int, int] = (8, 6)) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        pixels = np.resize(np.array(values, np.uint8), size[::-1])
        Image.fromarray(pixels).save(folder / 'annotations' / 'trimaps' / 'Abyssinian_1.png')

    return change


PETS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'list without a single image': (
        _pet(lambda f: (f / 'annotations' / 'test.txt').write_bytes(b'# nothing\n')),
        "the split 'test' is empty",
        '',
    ),
    'list names an image that is not there': (
        _pet(lambda f: (f / 'images' / 'beagle_2.jpg').unlink()),
        'images/beagle_2.jpg',
        '',
    ),
    'mask is not there': (
        _pet(lambda f: (f / 'annotations' / 'trimaps' / 'beagle_2.png').unlink()),
        'trimaps/beagle_2.png',
        '',
    ),
    'folder is not there': (_pet(shutil.rmtree), 'prepare_data.py --download', ''),
    'mask of another size': (
        _pet(_trimap([1, 2, 3], (6, 8))),
        'the mask is 6x8, its image 8x6',
        '',
    ),
    'mask with the value 0': (_pet(_trimap([0, 1, 2])), 'the mask has the values 0, 1, 2', ''),
    'mask with the value 4': (_pet(_trimap([1, 4])), 'the mask has the values 1, 4', ''),
    'mask of 0 and 255': (_pet(_trimap([0, 255])), 'the mask has the values 0, 255', ''),
    'mask with every value': (_pet(_trimap(list(range(48)))), 'the mask has the values 0, 1', ''),
    'mask without a pet': (_pet(_trimap([2])), '', '2 images, labels [0]'),
    'mask that is all border': (_pet(_trimap([3])), '', '2 images, labels [1]'),
    'mask that is all border, which is ignored': (
        _pet(_trimap([3]), 'ignore'),
        '',
        '2 images, labels [255]',
    ),
    'border policy that does not exist': (_pet(_trimap([1]), 'half'), "border='half'", ''),
}


def _masks(change: Callable[[Path], object]) -> Callable[[Path], str]:
    """Return what a folder of two images with masks says after ``change``."""

    def run(folder: Path) -> str:
        for kind, mode in (('images', 'RGB'), ('masks', 'L')):
            (folder / kind).mkdir()
            for name in ('a', 'b'):
                Image.new(mode, (8, 6)).save(folder / kind / f'{name}.png')
        change(folder)
        steps = [dict(type='LoadImage'), dict(type='LoadMask')]
        config = dict(type='BinaryMaskDataset', data_root=str(folder), split='all', pipeline=steps)
        dataset = DATASETS.build(config)
        return f'{len(dataset)} images, labels {np.unique(dataset[0]["gt_seg_map"]).tolist()}'

    return run


def _mask_values(*values: int) -> Callable[[Path], object]:
    pixels = np.resize(np.array(values, np.uint8), (6, 8))
    return lambda folder: Image.fromarray(pixels).save(folder / 'masks' / 'a.png')


FOLDERS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'image without a mask': (
        _masks(lambda f: (f / 'masks' / 'b.png').unlink()),
        'have no partner of the same stem',
        '',
    ),
    'mask without an image': (
        _masks(lambda f: (f / 'images' / 'b.png').unlink()),
        'have no partner of the same stem',
        '',
    ),
    'two images of one stem': (
        _masks(lambda f: Image.new('RGB', (8, 6)).save(f / 'images' / 'a.jpg')),
        "2 files are called 'a'",
        '',
    ),
    'no folder of masks': (_masks(lambda f: shutil.rmtree(f / 'masks')), 'masks', ''),
    'values 0 and 128': (_masks(_mask_values(0, 128)), 'the mask has the values 0, 128', ''),
    'values 0 and 255': (_masks(_mask_values(0, 255)), '', '2 images, labels [0, 1]'),
    'values 0 and 1': (_masks(_mask_values(0, 1)), '', '2 images, labels [0, 1]'),
    'a text file among the images': (
        _masks(lambda f: (f / 'images' / 'notes.txt').write_text('x')),
        '',
        '2 images, labels [0]',
    ),
}

DATA = (
    *(
        Case('list file', name, _list(content), refused=said, read=out)
        for name, (content, said, out) in LISTS.items()
    ),
    *(Case('data set', name, *rest) for name, rest in PETS.items()),
    *(Case('folders of masks', name, *rest) for name, rest in FOLDERS.items()),
)
