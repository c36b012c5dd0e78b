"""Runs and data that an audit of labels is given."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from custom_modules.commands.audit_labels import audit_labels
from tests.audited_run import disc, write_pair, write_run

from .case import Case


def _data(folder: Path) -> Path:
    for number in range(6):
        seen = disc(12 + number, 16, 7)
        write_pair(folder / 'data', f'p{number}', seen, seen if number != 5 else 1 - seen)
    for split, digits in dict(train='012', val='34', test='5').items():
        (folder / 'data' / f'{split}.txt').write_text(''.join(f'p{digit}\n' for digit in digits))
    return folder / 'data'


def _audit(
    change: Callable[[Path], object] = lambda _: None,
    named: str = 'run',
    out: str = 'out',
    **arguments: object,
) -> Callable[[Path], str]:
    """Change a folder with ``data`` and ``run``, and audit a folder in it."""

    def run(folder: Path) -> str:
        write_run(_data(folder), folder / 'run')
        change(folder)
        result = audit_labels(str(folder / named), str(folder / out), **arguments)  # type: ignore[arg-type]
        first = result.findings[0]
        return f'{len(result.findings)} labels, first {first.image.name}, {first.verdict.kind}'

    return run


def _config(**values: object) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / 'run' / 'merged_config.json'
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


def _mask(mask: np.ndarray) -> Callable[[Path], object]:
    return lambda folder: cv2.imwrite(str(folder / 'data' / 'masks' / 'p5.png'), mask)


def _write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def _remove(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def _latest_elsewhere(folder: Path) -> None:
    (folder / 'sweep' / 'a').mkdir(parents=True)
    (folder / 'sweep' / 'a' / 'latest').symlink_to(folder / 'run')


GOOD = '3 labels, first p5, inverted'

AUDIT: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'a run': (_audit(), '', GOOD),
    'no such folder': (_audit(named='lost'), 'there is no such folder; runs are in work_dirs/', ''),
    'a folder without a run': (_audit(named='data'), 'no run with best.pth or last.pth', ''),
    'a checkpoint instead of a run': (_audit(named='run/best.pth'), 'there is no such folder', ''),
    'a sweep whose latest leads out of it': (
        _audit(_latest_elsewhere, named='sweep'),
        'a latest in it leads out of the folder',
        '',
    ),
    'a run without its config as data': (
        _audit(_remove('run/merged_config.json')),
        'has no merged_config.json; add --own-parts to execute its config.py',
        '',
    ),
    'a run without any config': (
        _audit(_remove('run/config.py'), own_parts=True),
        'has no config.py',
        '',
    ),
    'a config that names code': (
        _audit(_config(custom_imports=dict(imports=['os']))),
        "'custom_imports' is not allowed in a config that is data",
        '',
    ),
    'a config that is no JSON': (
        _audit(_write('run/merged_config.json', b'{')),
        'merged_config.json: cannot be read',
        '',
    ),
    'a damaged checkpoint': (
        _audit(_write('run/best.pth', b'PK')),
        'because it is damaged or holds more than tensors',
        '',
    ),
    'data that have moved': (
        _audit(lambda folder: (folder / 'data').rename(folder / 'elsewhere')),
        'there is no such folder; it should hold the files of the data set',
        '',
    ),
    'a mask that is gone': (
        _audit(_remove('data/masks/p5.png')),
        '1 files have no partner of the same stem',
        '',
    ),
    'a mask that is no picture': (
        _audit(_write('data/masks/p5.png', b'no picture')),
        'masks/p5.png: not a readable mask',
        '',
    ),
    'a mask of other values': (
        _audit(_mask(disc() * 7)),
        'p5.png: the mask has the values 0, 7',
        '',
    ),
    'a mask without foreground': (_audit(_mask(disc() * 0)), '', '3 labels, first p5, empty'),
    'a mask of foreground alone': (_audit(_mask(disc() * 0 + 1)), '', '3 labels, first p5, full'),
    'a split that was learned': (
        _audit(splits=['train']),
        'trained on all 3 images of train, and a label that was learned looks right',
        '',
    ),
    'all splits, one learned': (_audit(splits=['train', 'val', 'test']), '', GOOD),
    'a config without that split': (
        _audit(_config(val_dataloader=None, val_cfg=None, val_evaluator=None), splits=['val']),
        'has no images of val',
        '',
    ),
    'number 0': (_audit(number=0), '--number 0: use 1 or more', ''),
    'a list of more than there are': (_audit(number=10**9), '', GOOD),
    'an option that is no option': (_audit(options=['data_root']), 'write key=value', ''),
    'a folder that cannot be made': (
        _audit(_write('taken', b''), out='taken/audit'),
        'cannot be written',
        '',
    ),
}

AUDIT_CASES = tuple(Case('audit of labels', name, *rest) for name, rest in AUDIT.items())
