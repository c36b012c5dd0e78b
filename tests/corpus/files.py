"""Archives and checkpoints."""

import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmengine.registry import MODELS

from custom_modules.datasets.archives import extract
from custom_modules.datasets.oxford_archives import belongs
from custom_modules.engine.checkpoint_io import load_checkpoint, load_weights
from custom_modules.engine.run_folder import find_run

from .case import Case


def _tar(*members: tuple[str, bytes, str], mode: str = 'w:gz') -> bytes:
    """Return an archive of (name, kind of tarfile, link target)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as tar:
        for name, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            info.size = 3 if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b'abc') if info.size else None)
    return file.getvalue()


def _archive(content: bytes | None) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        archive, root = folder / 'images.tar.gz', folder / 'data'
        if content is not None:
            archive.write_bytes(content)
        before = set(folder.rglob('*'))
        try:
            count = extract(archive, root, belongs)
        finally:
            outside = {p for p in folder.rglob('*') if p not in before and root not in p.parents}
            assert outside <= {root}
        return f'{count} file'

    return run


FILE = ('images/a.jpg', tarfile.REGTYPE, '')
ONE = _tar(FILE)


def _huge_member() -> bytes:
    info = tarfile.TarInfo('images/a.jpg')
    info.size = 1 << 40
    return info.tobuf() + bytes(4096)


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        archive.writestr('images/a.jpg', 'abc')
    return file.getvalue()


def _with_member(name: str, kind: bytes = tarfile.REGTYPE, link: str = '') -> bytes:
    return _tar(FILE, (name, kind, link))


ARCHIVES: dict[str, tuple[bytes | None, str, str]] = {
    'missing': (None, 'there is no such archive', ''),
    'empty file': (b'', 'cannot be unpacked', ''),
    'text': (b'not found\n' * 99, 'cannot be unpacked', ''),
    'ZIP named .tar.gz': (_zip(), 'cannot be unpacked', ''),
    'cut in half': (ONE[: len(ONE) // 2], 'cannot be unpacked', ''),
    'without its last bytes': (ONE[:-9], 'cannot be unpacked', ''),
    'a byte changed': (ONE[:40] + bytes([ONE[40] ^ 255]) + ONE[41:], 'cannot be unpacked', ''),
    'no member': (_tar(), 'nothing in it belongs to the data set', ''),
    'nothing of a data set in it': (
        _tar(('readme.md', tarfile.REGTYPE, '')),
        'nothing in it belongs to the data set',
        '',
    ),
    'member with ..': (_with_member('../evil.jpg'), 'would leave the folder', ''),
    'member with .. inside': (_with_member('images/../../evil.jpg'), 'would leave the folder', ''),
    'member with an absolute path': (_with_member('/tmp/evil.jpg'), 'would leave the folder', ''),
    'member with a path of Windows': (_with_member('..\\evil.jpg'), 'would leave the folder', ''),
    'member with a drive': (_with_member('C:evil.jpg'), 'would leave the folder', ''),
    'symbolic link outwards': (
        _with_member('images/b.jpg', tarfile.SYMTYPE, '/etc/passwd'),
        'is a link or a device',
        '',
    ),
    'symbolic link inside': (
        _with_member('images/b.jpg', tarfile.SYMTYPE, 'a.jpg'),
        'is a link or a device',
        '',
    ),
    'hard link': (
        _with_member('images/b.jpg', tarfile.LNKTYPE, '../../.bashrc'),
        'is a link or a device',
        '',
    ),
    'device': (_with_member('images/b.jpg', tarfile.CHRTYPE), 'is a link or a device', ''),
    'pipe': (_with_member('images/b.jpg', tarfile.FIFOTYPE), 'is a link or a device', ''),
    'member of a terabyte by its header': (_huge_member(), 'more than 200,000 files or 8 GiB', ''),
    'the same member twice': (_tar(FILE, FILE), '', '2 file'),
    'not compressed': (_tar(FILE, mode='w'), '', '1 file'),
    'hidden files of macOS': (_with_member('images/._a.jpg'), '', '1 file'),
}

NET = dict(
    type='BinarySegmentor',
    data_preprocessor=dict(type='BinarySegPreprocessor'),
    backbone=dict(type='UNetEncoder', channels=[2, 4]),
    decode_head=dict(type='UNetHead', in_channels=[2, 4], channels=[2]),
    losses=[dict(type='BinaryCrossEntropyLoss')],
)


def _saved(checkpoint: object, **options: object) -> bytes:
    file = io.BytesIO()
    torch.save(checkpoint, file, **options)
    return file.getvalue()


def _checkpoint(content: Callable[[], bytes] | bytes | None) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        path = folder / 'best.pth'
        if content is not None:
            path.write_bytes(content() if callable(content) else content)
        load_weights(MODELS.build(NET), load_checkpoint(path), path)
        return 'the weights are loaded'

    return run


class _Command:
    """A pickle of this runs a command."""

    def __reduce__(self) -> tuple:
        return exec, ("raise SystemExit('a pickle was executed')",)


def _weights() -> dict:
    return MODELS.build(NET).state_dict()


def _state(**changes: object) -> Callable[[], bytes]:
    def make() -> bytes:
        weights = _weights()
        for name, change in changes.items():
            key = list(weights)[int(name[1:])]
            if change is None:
                del weights[key]
            else:
                weights[key] = change
        return _saved(dict(state_dict=weights))

    return make


def _whole() -> bytes:
    return _saved(dict(state_dict=_weights(), meta=dict(epoch=1)))


def _numpy() -> bytes:
    file = io.BytesIO()
    np.savez(file, weights=np.ones(3))
    return file.getvalue()


CHECKPOINTS: dict[str, tuple[Callable[[], bytes] | bytes | None, str, str]] = {
    'missing': (None, 'there is no such checkpoint', ''),
    'empty file': (b'', 'damaged or no checkpoint', ''),
    'text': (b'oops', 'refused, because it is damaged or holds more', ''),
    'cut at a tenth': (lambda: _whole()[: len(_whole()) // 10], 'best.pth: ', ''),
    'cut in half': (lambda: _whole()[: len(_whole()) // 2], 'best.pth: ', ''),
    'without its last byte': (lambda: _whole()[:-1], 'best.pth: ', ''),
    'a pickle that runs a command': (
        lambda: _saved(dict(state_dict=_weights(), meta=_Command())),
        'Loading such a file could run foreign code',
        '',
    ),
    'a bare pickle that runs a command': (
        lambda: pickle.dumps(_Command()),
        'Loading such a file could run foreign code',
        '',
    ),
    'a whole module instead of weights': (
        lambda: _saved(torch.nn.Conv2d(1, 1, 1)),
        'Loading such a file could run foreign code',
        '',
    ),
    'arrays of NumPy': (_numpy, 'best.pth: ', ''),
    'JSON': (lambda: json.dumps(dict(state_dict={})).encode(), 'best.pth: ', ''),
    'an archive of something else': (_zip(), 'damaged or no checkpoint', ''),
    'a list': (lambda: _saved([1, 2]), 'holds a list, not a checkpoint', ''),
    'a tensor': (lambda: _saved(torch.ones(2)), 'holds a Tensor, not a checkpoint', ''),
    'no weights in it': (lambda: _saved(dict(meta=dict(epoch=1))), 'weights are missing', ''),
    'state_dict is a list': (lambda: _saved(dict(state_dict=[1])), 'holds no weights', ''),
    'state_dict is None': (lambda: _saved(dict(state_dict=None)), 'holds no weights', ''),
    'a weight is a text': (_state(_0='one'), 'holds no weights', ''),
    'a weight is missing': (_state(_0=None), '1 weights are missing', ''),
    'a weight of another shape': (_state(_0=torch.ones(7)), '1 weights have another shape', ''),
    'weights of another net': (
        lambda: _saved(dict(state_dict=torch.nn.Conv2d(1, 1, 1).state_dict())),
        'the checkpoint is of another model',
        '',
    ),
    "torch's format of before 2020": (
        lambda: _saved(dict(state_dict=_weights()), _use_new_zipfile_serialization=False),
        '',
        'the weights are loaded',
    ),
    'bare weights': (lambda: _saved(_weights()), '', 'the weights are loaded'),
}


def _resume(make: Callable[[Path], object], named: str = '') -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        make(folder)
        return find_run(folder, named).name

    return run


def _run(folder: Path, name: str, *files: str) -> None:
    (folder / name).mkdir()
    for file in files:
        (folder / name / file).write_bytes(b'')


RUNS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'no run yet': (_resume(lambda _: None), 'has a last.pth', ''),
    'the newest run was cut off before its first checkpoint': (
        _resume(lambda f: (_run(f, '20260101_000000', 'last.pth'), _run(f, '20260102_000000'))),
        '',
        '20260101_000000',
    ),
    'a file among the runs': (
        _resume(lambda f: ((f / 'z').write_text(''), _run(f, '20260101_000000', 'last.pth'))),
        '',
        '20260101_000000',
    ),
    'only the state before the last is there': (
        _resume(lambda f: _run(f, '20260101_000000', 'previous.pth')),
        '',
        '20260101_000000',
    ),
    'a run that does not exist': (_resume(lambda _: None, 'yesterday'), '--resume yesterday', ''),
    'weights without the state of a training': (
        _resume(lambda f: _run(f, '20260101_000000', 'best.pth'), '20260101_000000'),
        'there is no last.pth in it',
        '',
    ),
}

FILES = (
    *(
        Case('archive', name, _archive(content), refused=said, read=out)
        for name, (content, said, out) in ARCHIVES.items()
    ),
    *(
        Case('checkpoint', name, _checkpoint(content), refused=said, read=out)
        for name, (content, said, out) in CHECKPOINTS.items()
    ),
    *(Case('resume', name, *rest) for name, rest in RUNS.items()),
)
