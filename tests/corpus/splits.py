"""Lists of splits, and folders of images and masks whose files do not all belong together."""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from custom_modules.datasets import BinaryMaskDataset, OxfordPetDataset

from .case import Case

STEMS = [f'p{n}' for n in range(10)]
PICTURE = b'any bytes: splits look at names alone'


def write_pairs(
    folder: Path, stems: Iterable[str], image: str = '.jpg', mask: str = '.png'
) -> None:
    """Write files of these stems into ``images`` and ``masks``."""
    for kind, ending in (('images', image), ('masks', mask)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for stem in stems:
            (folder / kind / f'{stem}{ending}').write_bytes(PICTURE)


def splits_of(folder: Path, **arguments: object) -> dict[str, list[str]]:
    """Return the names of each split that has any, and check that none is in two."""
    found: dict[str, list[str]] = {}
    for split in ('train', 'val', 'test'):
        dataset = BinaryMaskDataset(str(folder), split, serialize_data=False, **arguments)
        found[split] = [dataset.get_data_info(i)['sample_id'] for i in range(len(dataset))]
    names = [name for split in found.values() for name in split]
    assert len(set(names)) == len(names)
    return found


Change = Callable[[Path], object]


def _own(change: Change, **arguments: object) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        write_pairs(folder, STEMS)
        change(folder)
        found = splits_of(folder, **arguments)
        return ', '.join(f'{split} {len(names)}' for split, names in found.items())

    return run


def _lists(**lists: str) -> Change:
    """Write lists of the stems with these digits: ``train='012'``."""

    def change(folder: Path) -> None:
        for split, digits in lists.items():
            (folder / f'{split}.txt').write_text(''.join(f'p{digit}\n' for digit in digits))

    return change


def _text(name: str, content: bytes) -> Change:
    return lambda folder: (folder / name).write_bytes(content)


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / 'val.txt')


def _rename(old: str, new: str) -> Change:
    return lambda folder: (folder / old).rename(folder / new)


def _only_folders(folder: Path) -> None:
    for kind in ('images', 'masks'):
        (folder / 'files').mkdir()
        (folder / kind).rename(folder / 'files' / 'train')
        (folder / 'files').rename(folder / kind)


def _huge_list(folder: Path) -> None:
    with open(folder / 'test.txt', 'wb') as file:
        file.truncate(1 << 40)


OWN: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'no lists': (_own(lambda _: None), '', 'train 8, val 1, test 1'),
    'train and test': (
        _own(_lists(train='01234567', test='89')),
        '',
        'train 7, val 1, test 2',
    ),
    'train and val, images in neither': (
        _own(_lists(train='01234', val='56')),
        '',
        'train 5, val 2, test 3',
    ),
    'train and val, no image left for a test': (
        _own(_lists(train='01234', val='56789')),
        "the split 'test' is empty; name its images in test.txt",
        '',
    ),
    'val and test': (_own(_lists(val='01', test='234')), '', 'train 5, val 2, test 3'),
    'train alone': (_own(_lists(train='0123456')), '', 'train 6, val 1, test 3'),
    'val alone': (_own(_lists(val='01')), '', 'train 7, val 2, test 1'),
    'test alone': (_own(_lists(test='012')), '', 'train 6, val 1, test 3'),
    'three lists, images in none': (
        _own(_lists(train='0123', val='4', test='5')),
        '',
        'train 4, val 1, test 1',
    ),
    'train and test share images': (
        _own(_lists(train='01234', test='4567')),
        "1 images are in train.txt and in test.txt: 'p4'",
        '',
    ),
    'val and test share images': (
        _own(_lists(val='01234', test='34567')),
        "2 images are in val.txt and in test.txt: 'p3', 'p4'",
        '',
    ),
    'a list names an image that is not there': (
        _own(_text('test.txt', b'p1\np11\n')),
        "1 names have no image, the first is 'p11'",
        '',
    ),
    'a list names files instead of stems': (
        _own(_text('train.txt', b'p1.jpg\np2.jpg\n')),
        "the first is 'p1.jpg'; write stems, without folder and ending",
        '',
    ),
    'a list whose names differ in case': (
        _own(_text('train.txt', b'P1\nP2\n')),
        "2 names have no image, the first is 'P1'",
        '',
    ),
    'a list that is empty': (_own(_text('test.txt', b'\n')), 'test.txt: names no image', ''),
    'a list that is a pipe': (_own(_pipe), 'val.txt: no file', ''),
    'a list that is a folder': (
        _own(lambda f: (f / 'val.txt').mkdir()),
        'val.txt: no file',
        '',
    ),
    'a list that is a link to nothing': (
        _own(lambda f: (f / 'val.txt').symlink_to('lost.txt')),
        'val.txt: cannot be read',
        '',
    ),
    'a list of a terabyte': (_own(_huge_list), 'MiB are no list of images', ''),
    'valid.txt instead of val.txt': (
        _own(_text('valid.txt', b'p1\n')),
        'valid.txt: not read under this name; call it val.txt',
        '',
    ),
    'Train.txt instead of train.txt': (
        _own(_text('Train.txt', b'p1\n')),
        'Train.txt: not read under this name; call it train.txt',
        '',
    ),
    'fractions without a test': (
        _own(lambda _: None, fractions=(0.9, 0.1, 0.0)),
        "the split 'test' is empty",
        '',
    ),
    'fractions that are not numbers': (
        _own(lambda _: None, fractions=(float('nan'), 0.1, 0.1)),
        'give the shares of train, val, test; their sum is 1',
        '',
    ),
    'fractions of one number': (
        _own(lambda _: None, fractions=0.8),
        'fractions=0.8: give the shares of train, val, test',
        '',
    ),
    'a negative split_seed': (_own(lambda _: None, split_seed=-1), 'split_seed=-1', ''),
    'images and masks in one folder': (
        _own(lambda _: None, masks='images'),
        'images and masks are one folder',
        '',
    ),
    'pairs with an ending that is not read': (
        _own(lambda f: write_pairs(f, ['q0', 'q1'], '.xyz', '.xyz')),
        "2 pairs have an ending that is not read ('.xyz'): 'q0', 'q1'",
        '',
    ),
    'a pair as .PPM and .gif': (
        _own(lambda f: write_pairs(f, ['q0'], '.PPM', '.gif')),
        '',
        'train 9, val 1, test 1',
    ),
    'an image with an ending that is not read': (
        _own(_rename('images/p3.jpg', 'images/p3.xyz')),
        "'p3'; the ending of 'p3.xyz' is not read",
        '',
    ),
    'all images in folders of their own': (
        _own(_only_folders),
        "no images in it, but 'train'",
        '',
    ),
    'a mask whose name differs in case': (
        _own(_rename('masks/p3.png', 'masks/P3.png')),
        "'p3'; 'P3' is written differently",
        '',
    ),
    'two pairs whose names differ in case': (
        _own(lambda f: write_pairs(f, ['P3'])),
        "'P3.jpg', 'p3.jpg' differ only in case or accents",
        '',
    ),
    'a name that is no text': (
        _own(lambda f: write_pairs(f, [os.fsdecode(b'K\xe4the')])),
        "1 names are no text in UTF-8: 'K\\udce4the'",
        '',
    ),
    'side files of a tool': (
        _own(lambda f: shutil.copy(f / 'images' / 'p1.jpg', f / 'images' / 'p1.json')),
        '',
        'train 8, val 1, test 1',
    ),
}


def _exclude(content: bytes | None, make: Change = lambda _: None) -> Callable[[Path], str]:
    """Write a list beside the data, and read the data without its images."""

    def run(folder: Path) -> str:
        write_pairs(folder, STEMS)
        path = folder / 'suspects.txt'
        if content is not None:
            path.write_bytes(content)
        make(path)
        found = splits_of(folder, exclude=str(path))
        return ', '.join(f'{split} {len(names)}' for split, names in found.items())

    return run


#: Of ten stems, train has eight, p3 to p8 among them.
EXCLUDE: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'ids with reasons': (
        _exclude(b'p3  # inverted: why\np4\t#\n\n# a comment\n#\np5 # a # b\n'),
        '',
        'train 5, val 1, test 1',
    ),
    'Windows line ends, a byte order mark': (
        _exclude(b'\xef\xbb\xbfp3\r\np4\r\n'),
        '',
        'train 6, val 1, test 1',
    ),
    'a name with a # in it': (
        _exclude(b'p#3\n', lambda path: write_pairs(path.parent, ['p#3'])),
        '',
        'train 8, val 1, test 1',
    ),
    'missing': (_exclude(None), 'suspects.txt: cannot be read (No such file', ''),
    'empty': (_exclude(b''), 'names no image; write an id per line, or exclude = None', ''),
    'comments alone': (_exclude(b'# nothing was found\n'), 'names no image', ''),
    'an id that is not there': (
        _exclude(b'p3\np11\n'),
        "1 ids are in no split of the data set: 'p11'",
        '',
    ),
    'files instead of ids': (
        _exclude(b'p3.jpg\n'),
        "'p3.jpg'; write ids as in per_image.csv, without",
        '',
    ),
    'an id twice, with two reasons': (
        _exclude(b'p3 # a\np3 # b\n'),
        "'p3' is listed twice",
        '',
    ),
    'a reason without a #': (_exclude(b'p3 inverted\n'), "'p3 inverted'", ''),
    'all images': (
        _exclude(''.join(f'{stem}\n' for stem in STEMS).encode()),
        "leaves out 8 of 8 images of the split 'train'; leave some in",
        '',
    ),
    'no text in UTF-8': (_exclude(b'p\xe4\n'), 'no text in UTF-8', ''),
    'a pipe': (_exclude(None, os.mkfifo), 'suspects.txt: no file', ''),
    'a folder': (_exclude(None, Path.mkdir), 'suspects.txt: no file', ''),
}


def _pets(trainval: str, test: str | None, split: str = 'train') -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        write_pairs(folder, [f'cat_{n}' for n in range(10)])
        (folder / 'annotations').mkdir()
        (folder / 'masks').rename(folder / 'annotations' / 'trimaps')
        for name, digits in (('trainval', trainval), ('test', test)):
            if digits is not None:
                lines = ''.join(f'cat_{digit} 1 1 1\n' for digit in digits)
                (folder / 'annotations' / f'{name}.txt').write_text(lines)
        return f'{len(OxfordPetDataset(str(folder), split, serialize_data=False))} images'

    return run


PETS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'trainval and test share images': (
        _pets('01234', '45'),
        "1 images are in trainval.txt and in test.txt: 'cat_4'",
        '',
    ),
    'the other list names an image twice': (_pets('01', '223'), "'cat_2' is listed twice", ''),
    'a list of one image is validation': (_pets('0', '1'), "the split 'train' is empty", ''),
    'a split with another name': (
        _pets('01', '2', 'validation'),
        "split='validation' is not allowed",
        '',
    ),
    'no test list, where none is asked for': (_pets('0123', None), '', '3 images'),
}

SPLITS = (
    *(Case('splits', name, *rest) for name, rest in OWN.items()),
    *(Case('lists of exclude', name, *rest) for name, rest in EXCLUDE.items()),
    *(Case('splits of Oxford-IIIT Pet', name, *rest) for name, rest in PETS.items()),
)
