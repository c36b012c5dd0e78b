"""Tables of pairs, and folders that --from is given."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from custom_modules.datasets import ListedPairsDataset
from custom_modules.preparation.answers import Answers
from custom_modules.preparation.looking import Cut, look
from custom_modules.preparation.written import Place, refuse_other_work

from .case import Case

HEAD = 'image,mask,split,group\n'
PAIRS = ''.join(f'i/{n}.png,m/{n}.png,{s},\n' for n, s in enumerate(('train', 'val', 'test')))


def write_pictures(folder: Path, number: int = 3, images: str = 'i', masks: str = 'm') -> None:
    """Write noise into one folder and squares on black into another."""
    for n in range(number):
        image = np.random.RandomState(n).randint(0, 255, (12, 14, 3), np.uint8)
        mask = np.zeros((12, 14), np.uint8)
        mask[2:6, 3:9] = 255
        for name, pixels in ((images, image), (masks, mask)):
            (folder / name).mkdir(exist_ok=True)
            cv2.imwrite(str(folder / name / f'{n}.png'), pixels)


def _table(text: str | bytes, split: str = 'train', **arguments: object) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        write_pictures(folder)
        data = text if isinstance(text, bytes) else text.encode()
        (folder / 'pairs.csv').write_bytes(data)
        dataset = ListedPairsDataset(
            str(folder), str(folder / 'pairs.csv'), split=split, **arguments
        )
        entries = [dataset.get_data_info(n) for n in range(len(dataset))]
        return ', '.join(entry['sample_id'] for entry in entries)

    return run


def _folder(
    change: Callable[[Path], object], number: int = 6, **answers: object
) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        own = folder / 'own'
        own.mkdir()
        write_pictures(own, number, 'images', 'masks')
        change(own)
        found = look(own, Answers(**answers), Cut(), lambda _: None)
        return f'{len(found.rows)} pairs'

    return run


def _nothing(_: Path) -> None:
    pass


def _emptied(folder: Path) -> None:
    for path in (*folder.glob('*/*'), *folder.iterdir()):
        path.unlink() if path.is_file() else path.rmdir()


def _overwrite(root: str, *made: str, overwrite: bool = True) -> Callable[[Path], str]:
    """Return what happens where a data set of the name 'own' is written beside these files."""

    def run(folder: Path) -> str:
        place = Place('own', folder / root)
        for name in ('own', *made):
            (folder / name).mkdir(parents=True)
        refuse_other_work(folder / 'own', place, overwrite)
        return 'written'

    return run


def _rename(name: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        for path in (folder / 'images/0.png', folder / 'masks/0.png'):
            os.rename(path, os.fsencode(path.parent) + b'/' + os.fsencode(name))  # noqa: PTH104

    return change


TABLES = (
    ('right', HEAD + PAIRS, '', '0'),
    ('without the column group', 'image,mask,split\n' + PAIRS.replace(',\n', '\n'), '', '0'),
    ('byte order mark and Windows lines', '\ufeff' + (HEAD + PAIRS).replace('\n', '\r\n'), '', '0'),
    ('an empty line', HEAD + '\n' + PAIRS, '', '0'),
    ('two groups', HEAD + PAIRS.replace('train,', 'train,a').replace('test,', 'test,b'), '', '0'),
    ('empty', '', 'line 1 is', ''),
    ('only its header', HEAD, 'names no image', ''),
    ('other columns', 'img,label\n0,1\n', 'it has to be', ''),
    ('semicolons', (HEAD + PAIRS).replace(',', ';'), 'it has to be', ''),
    ('a cell too many', HEAD + PAIRS + 'i/0.png,m/0.png,train,a,b\n', 'line 5: 5 cells', ''),
    ('a quote that does not end', HEAD + PAIRS + '"i/0.png\n', 'no CSV', ''),
    ('an unknown split', HEAD + PAIRS.replace('train', 'trian'), 'did you mean train', ''),
    ('a path outside', HEAD + PAIRS.replace('i/0', '../i/0'), 'no path below', ''),
    ('an absolute path', HEAD + PAIRS.replace('m/0', '/etc/m/0'), 'no path below', ''),
    ('a path of Windows', HEAD + PAIRS.replace('i/0', 'i\\0'), 'no path below', ''),
    ('a drive', HEAD + PAIRS.replace('i/0', 'C:/i/0'), 'no path below', ''),
    ('no mask', HEAD + PAIRS.replace('m/0.png', ''), 'no path below', ''),
    ('an image twice', HEAD + PAIRS + 'i/0.png,m/1.png,train,\n', 'is in line 2 too', ''),
    (
        'an image twice, written otherwise',
        HEAD + PAIRS + 'i/./0.png,m/1.png,test,\n',
        'is in line 2 too',
        '',
    ),
    (
        'a group in two splits',
        HEAD + PAIRS.replace('train,', 'train,a').replace('test,', 'test,a'),
        'belongs into one split',
        '',
    ),
    ('a mask of the test split is missing', HEAD + PAIRS.replace('m/2', 'm/9'), 'not there', ''),
    ('an image is missing', HEAD + PAIRS.replace('i/1', 'j/1'), 'images of the table', ''),
    ('no text', b'\xff\xfe' + HEAD.encode('utf-16-le'), 'no text in UTF-8', ''),
    ('no training images', HEAD + PAIRS.replace('train', 'val'), 'is empty', ''),
)

PREPARED = (
    *(
        Case('table of pairs', name, _table(text), refused, read)
        for name, text, refused, read in TABLES
    ),
    Case(
        'table of pairs',
        'is not there',
        lambda folder: str(ListedPairsDataset(str(folder), str(folder / 'none.csv'))),
        'cannot be read',
    ),
    *(
        Case(
            'table of pairs',
            f'mask_encodings = {encodings}',
            _table(HEAD + PAIRS, mask_encodings=encodings),
            refused,
            read,
        )
        for encodings, refused, read in (
            ([{'0': 0, '255': 1}], '', '0'),
            ([{'a': 1}], 'use dicts of values', ''),
            ([{300: 1}], 'use dicts of values', ''),
            ([{1: 7}], 'use dicts of values', ''),
            ([[0, 1]], 'use dicts of values', ''),
        )
    ),
    Case('table of pairs', 'a split that is none', _table(HEAD + PAIRS, 'training'), 'split='),
    *(
        Case('folder to prepare', name, run, refused, read)
        for name, run, refused, read in (
            ('images and masks', _folder(_nothing), '', '6 pairs'),
            ('empty', _folder(_emptied), 'no file in it', ''),
            (
                'not there',
                lambda folder: str(look(folder / 'none', Answers(), Cut(), print)),
                'no such folder',
                '',
            ),
            ('two pairs for three splits', _folder(_nothing, 2), 'cannot fill', ''),
            ('a name with a line end', _folder(_rename('a\nb.png')), 'rename', ''),
            ('a name that is no text', _folder(_rename('\udcff.png')), 'rename', ''),
            (
                'a pipe among the images',
                _folder(lambda folder: os.mkfifo(folder / 'images/9.png')),
                '',
                '6 pairs',
            ),
            (
                'a link to itself among the images',
                _folder(lambda folder: (folder / 'images/loop').symlink_to(folder / 'images')),
                '',
                '6 pairs',
            ),
            ('--masks of nothing', _folder(_nothing, masks='drawn'), 'no file below', ''),
            ('--threshold 255', _folder(_nothing, threshold=255), '--threshold 255', ''),
            ('--group-by of nothing', _folder(_nothing, group_by='p[0-9]'), 'not found in 6', ''),
            ('--group-by with a bracket', _folder(_nothing, group_by='['), 'no regular', ''),
            ('one group for three splits', _folder(_nothing, group_by='(images)'), '1 groups', ''),
            ('an empty place', _overwrite('new'), '', 'written'),
            ('--root is around it', _overwrite(''), 'into your folder', ''),
            ('--root is inside of it', _overwrite('own/new'), 'into your folder', ''),
            ('masks of somebody in --root', _overwrite('new', 'new/own/masks'), 'move it away', ''),
        )
    ),
)
