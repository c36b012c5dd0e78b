"""What people name as images to predict, and names of files in tables."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np

from custom_modules.prediction.inputs import Frame, Source, find_sources
from custom_modules.prediction.outputs import PredictionWriter
from custom_modules.prediction.prediction import Prediction
from custom_modules.runs.per_image_csv import read_rows, write_rows

from .case import Case


def _pipe(folder: Path) -> str:
    os.mkfifo(folder / 'cat.jpg')
    return str(folder / 'cat.jpg')


def _pattern_of_a_pipe(folder: Path) -> str:
    return _pipe(folder).replace('cat', 'c*')


def _loop(folder: Path) -> str:
    (folder / 'cat.jpg').symlink_to('cat.jpg')
    return str(folder / 'cat.jpg')


def _folder_in_itself(folder: Path) -> str:
    (folder / 'again').symlink_to(folder)
    (folder / 'cat.jpg').touch()
    return str(folder)


INPUTS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'a pipe': (_pipe, 'is neither a file nor a folder', ''),
    'a pattern that finds a pipe': (_pattern_of_a_pipe, 'is neither a file nor a folder', ''),
    'a device': (lambda _: '/dev/zero', 'is neither a file nor a folder', ''),
    'a link to itself': (_loop, 'nothing there has this name', ''),
    'a folder with a link to itself': (_folder_in_itself, '', 'cat'),
    'an empty folder': (str, 'no images in it', ''),
}


def _find(make: Callable[[Path], str]) -> Callable[[Path], str]:
    return lambda folder: ', '.join(source.name for source in find_sources([make(folder)]))


def _locked_folder(folder: Path) -> str:
    """Predict a folder with one in it that may not be read; of an administrator none is so."""
    locked = folder / 'locked'
    locked.mkdir()
    (folder / 'cat.jpg').touch()
    scan = os.scandir

    def refusing(path: str) -> object:
        if Path(path) == locked:
            raise PermissionError(13, 'Permission denied', path)
        return scan(path)

    with mock.patch('os.scandir', refusing):
        return ', '.join(source.name for source in find_sources([str(folder)]))


NAMES = ('=1+1', '+cmd', '-2', '@SUM(A1)', "'quoted", 'plain')


def _in_tables(name: str) -> Callable[[Path], str]:
    """Return how a name is written in the two tables; what is read back must be the name."""

    def run(folder: Path) -> str:
        row = dict(id=name, groups=dict(species=name), tp=1, fp=0, fn=0, tn=0, dice=1.0)
        path = folder / 'per_image.csv'
        write_rows(path, [row])
        assert read_rows(path) == [row]
        table = io.StringIO()
        with PredictionWriter(folder, [], table) as writer:
            image = np.zeros((1, 1, 3), np.uint8)
            prediction = Prediction(image, np.zeros((1, 1), np.float32), 0.5)
            writer.write(Frame(Source(name, name), name, image), prediction)
        texts = (path.read_text(), table.getvalue())
        cells = {text.splitlines()[1].split(',')[0] for text in texts}
        return ' '.join(cells)

    return run


INPUT_CASES = (
    *(
        Case('input of predict.py', name, _find(make), refused=said, read=out)
        for name, (make, said, out) in INPUTS.items()
    ),
    Case(
        'input of predict.py',
        'a folder with one in it that may not be read',
        _locked_folder,
        refused='locked: cannot be read (Permission denied)',
    ),
    *(
        Case(
            'name in a table',
            name,
            _in_tables(name),
            read=name if name == 'plain' else f"'{name}",
        )
        for name in NAMES
    ),
)
