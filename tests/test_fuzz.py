"""Files that nobody has checked: what comes in is data or a UserError, never another exception."""

import io
import json
import tarfile
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.datasets.archives import extract
from custom_modules.datasets.image_io import read_image, read_mask
from custom_modules.datasets.oxford.dataset import read_list_file
from custom_modules.datasets.splits import SPLITS, divide, read_lists
from custom_modules.preparation.answers import Answers
from custom_modules.preparation.mask_kinds import find_rule
from custom_modules.runs.checkpoint_io import load_checkpoint
from tests.annotated import (
    HEIGHT,
    ONE,
    WIDTH,
    coco,
    cvat,
    cvat_polygon,
    flat,
    labelme,
    picture,
    points,
    put,
    read_annotated,
    via,
    via_polygon,
    yolo,
)

#: The same examples in every run: a test that fails now and then helps nobody.
FUZZ = settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def encoded(kind: str, mode: str, size: tuple[int, int] = (13, 9)) -> bytes:
    """Return a small picture in a file format."""
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).convert(mode).save(file, kind)
    return file.getvalue()


PICTURES = {
    'jpeg': encoded('JPEG', 'RGB'),
    'grey jpeg': encoded('JPEG', 'L'),
    'cmyk jpeg': encoded('JPEG', 'CMYK'),
    'png': encoded('PNG', 'RGB'),
    'rgba png': encoded('PNG', 'RGBA'),
    'palette png': encoded('PNG', 'P'),
    '1-bit png': encoded('PNG', '1'),
    '16-bit png': cv2.imencode('.png', np.full((9, 13), 40_000, np.uint16))[1].tobytes(),
    'gif': encoded('GIF', 'P'),
    'bmp': encoded('BMP', 'RGB'),
    'one pixel': encoded('PNG', 'RGB', (1, 1)),
}


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Return ``whole`` cut short, with bytes changed, or with something else in the middle."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    start = draw(st.integers(0, len(data)))
    data[start:start] = draw(st.binary(max_size=8))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


@pytest.mark.parametrize('name', PICTURES)
def test_whole_pictures_of_every_kind_are_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / 'picture.jpg'  # whatever the name says
    path.write_bytes(PICTURES[name])
    image = read_image(path)
    assert image.shape == ((1, 1, 3) if name == 'one pixel' else (9, 13, 3))
    assert image.dtype == np.uint8


@pytest.mark.parametrize('name', PICTURES)
@FUZZ
@given(data=st.data())
def test_damaged_pictures(name: str, data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / 'picture.jpg'
    path.write_bytes(data.draw(damaged(PICTURES[name])))
    for read, dimensions in ((read_image, 3), (read_mask, 2)):
        try:
            values = read(path)
        except UserError as error:
            assert 'picture.jpg: ' in str(error)
        else:
            assert values.dtype == np.uint8 and values.ndim == dimensions


@FUZZ
@given(content=st.binary(max_size=200))
def test_files_that_are_anything(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / 'anything'
    path.write_bytes(content)
    for read in (read_image, read_mask, load_checkpoint):
        with pytest.raises(UserError, match='anything: '):
            read(path)


WORDS = st.text(st.characters(codec='utf-8'), max_size=12)


LINES = st.one_of(WORDS.map(str.encode), st.from_regex(rb'\A[A-Za-z_]+_\d+ \d+ [12] \d+\Z'))


@FUZZ
@given(lines=st.lists(st.one_of(LINES, st.binary(max_size=6)), max_size=6))
def test_list_files(lines: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / 'trainval.txt'
    path.write_bytes(b'\r\n'.join(lines))
    try:
        entries = read_list_file(path)
    except UserError as error:
        assert 'trainval.txt' in str(error)
    else:
        for entry in entries:
            assert '/' not in entry.sample_id and '..' not in entry.sample_id


STEMS = st.sampled_from([b'p0', b'p1', b'p2', b'p3', b'p4', b'p5'])
SPLIT_LIST = st.lists(st.one_of(STEMS, STEMS, st.binary(max_size=3)), max_size=4)


@FUZZ
@given(lists=st.dictionaries(st.sampled_from(['train', 'val', 'test']), SPLIT_LIST))
def test_split_lists(lists: dict[str, list[bytes]], tmp_path: Path) -> None:
    stems = [f'p{n}' for n in range(6)]
    for split in SPLITS:
        (tmp_path / f'{split}.txt').unlink(missing_ok=True)
    for split, lines in lists.items():
        (tmp_path / f'{split}.txt').write_bytes(b'\n'.join(lines))
    try:
        divided = divide(stems, read_lists(tmp_path, stems), (0.6, 0.2, 0.2), seed=0)
    except UserError as error:
        assert str(tmp_path) in str(error)
    else:
        used = [stem for split in SPLITS for stem in divided[split]]
        assert len(set(used)) == len(used)
        assert set(used) <= set(stems)


@FUZZ
@given(text=st.one_of(WORDS, damaged(b"_base_ = './unet_pet.py'\nmax_epochs = 3\n")))
def test_configs_that_do_not_parse(text: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / 'config.py'
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    try:
        load_config(path)
    except UserError as error:
        assert 'config.py' in str(error)


def checkpoint() -> bytes:
    file = io.BytesIO()
    torch.save(dict(state_dict=dict(weight=torch.ones(4)), meta=dict(epoch=1)), file)
    return file.getvalue()


@FUZZ
@given(content=damaged(checkpoint()))
def test_damaged_checkpoints(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / 'last.pth'
    path.write_bytes(content)
    try:
        loaded = load_checkpoint(path)
    except UserError as error:
        assert 'last.pth: ' in str(error)
    else:
        assert loaded['state_dict']['weight'].tolist() == [1, 1, 1, 1]


NAMES = st.one_of(
    st.sampled_from(
        ['../out', '/abs', 'images/../../out', 'a/./b', '..', '.', '', 'C:\\x', 'a\0b']
    ),
    st.text(st.characters(codec='utf-8', exclude_characters='\0'), max_size=12),
)


@FUZZ
@given(members=st.lists(st.tuples(NAMES, st.sampled_from('flsdp'), NAMES), max_size=4))
def test_archives_stay_in_their_folder(members: list[tuple[str, str, str]]) -> None:
    kinds = dict(f=tarfile.REGTYPE, l=tarfile.LNKTYPE, s=tarfile.SYMTYPE, d=tarfile.DIRTYPE)
    with tempfile.TemporaryDirectory() as folder:
        archive, target = Path(folder, 'images.tar.gz'), Path(folder, 'target')
        with tarfile.open(archive, 'w:gz') as file:
            for name, kind, link in members:
                info = tarfile.TarInfo(name)
                info.type = kinds.get(kind, tarfile.FIFOTYPE)
                info.linkname = link
                info.size = 3 if kind == 'f' else 0
                file.addfile(info, io.BytesIO(b'abc') if kind == 'f' else None)
        try:
            extract(archive, target, lambda _: True)
        except UserError as error:
            assert 'images.tar.gz' in str(error)
        outside = [p for p in Path(folder).rglob('*') if p not in (archive, target)]
        assert all(target in path.parents for path in outside)
        assert not any(path.is_symlink() for path in outside)


def archive(mode: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as tar:
        for name in ('images/a.jpg', 'images/ä.jpg', 'annotations/list.txt'):
            info = tarfile.TarInfo(name)
            info.size = 700
            tar.addfile(info, io.BytesIO(b'x' * 700))
    return file.getvalue()


@pytest.mark.parametrize('mode', ['w', 'w:gz'])
@FUZZ
@given(data=st.data())
def test_damaged_archives(mode: str, data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / 'images.tar.gz'
    path.write_bytes(data.draw(damaged(archive(mode))))
    try:
        extract(path, tmp_path / 'target', lambda _: True)
    except UserError as error:
        assert 'images.tar.gz' in str(error)


ANNOTATED = {
    'i.json': json.dumps(coco([flat(ONE)])),
    'a.json': json.dumps(labelme(dict(points=points(ONE)))),
    'v.json': json.dumps(via(via_polygon(ONE))),
    'a.xml': cvat(cvat_polygon(ONE)),
    'a.txt': yolo(ONE),
}


@pytest.mark.parametrize('name', ANNOTATED)
@FUZZ
@given(data=st.data())
def test_damaged_annotations(name: str, data: st.DataObject, tmp_path: Path) -> None:
    content = data.draw(damaged(ANNOTATED[name].encode()))
    put(tmp_path, {'a.png': picture(), name: content})
    try:
        found = read_annotated(tmp_path)
    except UserError as error:
        assert str(tmp_path) in str(error)
    else:
        assert found is None or found.mask(tmp_path / 'a.png').shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize('name', ['rgba png', 'palette png', 'jpeg'])
@FUZZ
@given(data=st.data())
def test_damaged_masks(name: str, data: st.DataObject, tmp_path: Path) -> None:
    image, mask = tmp_path / 'a.png', tmp_path / 'a_mask.png'
    image.write_bytes(PICTURES['1-bit png'])
    mask.write_bytes(data.draw(damaged(PICTURES[name])))
    try:
        rule = find_rule([(image, [mask])], Answers(foreground=('nonzero',)), [].append)
    except UserError as error:
        assert 'a_mask.png' in str(error) or '--foreground' in str(error)
    else:
        assert rule.apply(image, [mask]).shape == (9, 13)
