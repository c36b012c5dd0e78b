"""Download, unpacking and the check, against a server and archives that mean no good."""

import io
import resource
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pytest

from custom_modules.base.errors import UserError
from custom_modules.commands import prepare_data as preparation
from custom_modules.datasets.archives import extract
from custom_modules.datasets.download import download, md5_of
from custom_modules.datasets.oxford.archives import ARCHIVES, belongs
from custom_modules.datasets.oxford.check import check_oxford_pet
from tests.file_server import CONTENT, MD5, Server


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.mark.parametrize(
    ('faults', 'requests'),
    [
        ([], 1),
        (['breaks off'], 2),
        (['breaks off', 'breaks off', 'busy'], 4),
        (['breaks off', 'ignores Range'], 2),
        (['claims more'], 1),
        (['claims less'], 2),
        (['wrong file'], 3),
        (['busy'], 2),
    ],
    ids=str,
)
def test_download_survives(server: Server, tmp_path: Path, faults: list, requests: int) -> None:
    server.faults = list(faults)
    seen: list[tuple[int, int]] = []
    target = tmp_path / 'file'
    download(f'{server.url}/file', target, MD5, lambda *step: seen.append(step), wait=0.001)
    assert target.read_bytes() == CONTENT
    assert not target.with_name('file.part').exists()
    assert len(server.ranges) == requests
    assert seen[-1][0] == len(CONTENT)
    if faults == ['breaks off']:
        assert server.ranges == [None, f'bytes={len(CONTENT) // 3}-']


def test_a_second_call_goes_on_where_the_first_gave_up(server: Server, tmp_path: Path) -> None:
    target = tmp_path / 'file'
    server.faults = ['breaks off'] * 2
    with pytest.raises(UserError, match='not complete after 2 attempts'):
        download(f'{server.url}/file', target, MD5, attempts=2, wait=0.001)
    assert not target.exists()
    download(f'{server.url}/file', target, MD5, wait=0.001)
    assert target.read_bytes() == CONTENT
    assert server.ranges[2] != 'bytes=0-'


def test_download_gives_up_with_a_reason(server: Server, tmp_path: Path) -> None:
    target = tmp_path / 'file'
    server.faults = ['wrong file'] * 9
    with pytest.raises(UserError, match=f'not {MD5}'):
        download(f'{server.url}/file', target, MD5, attempts=4, wait=0.001)
    assert not target.exists()
    with pytest.raises(UserError, match='404'):
        download(f'{server.url}/nowhere', target, MD5)
    with pytest.raises(UserError, match='only http and https'):
        download('file:///etc/passwd', target, MD5)
    server.http.server_close()
    with pytest.raises(UserError, match='--archives'):
        download(f'{server.url}/file', target, MD5, attempts=2, wait=0.001)


def pack(path: Path, files: dict[str, bytes | tarfile.TarInfo]) -> Path:
    with tarfile.open(path, 'w:gz') as tar:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def member(name: str, kind: bytes, link: str = '') -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def everything(path: PurePosixPath) -> bool:  # noqa: ARG001
    return True


@pytest.mark.parametrize(
    'bad',
    [
        {'../evil': b'x'},
        {'images/../../evil': b'x'},
        {'/tmp/evil': b'x'},
        {'images\\..\\evil': b'x'},
        {'C:/evil': b'x'},
        {'link': member('images/link', tarfile.SYMTYPE, '/etc/passwd')},
        {'hard': member('images/hard', tarfile.LNKTYPE, '../../etc/passwd')},
        {'device': member('images/device', tarfile.CHRTYPE)},
        {'pipe': member('images/pipe', tarfile.FIFOTYPE)},
    ],
    ids=lambda bad: next(iter(bad)),
)
def test_members_that_would_do_harm_are_refused(tmp_path: Path, bad: dict) -> None:
    archive = pack(tmp_path / 'bad.tar.gz', {'images/good.jpg': b'new', **bad})
    root = tmp_path / 'root'
    (root / 'images').mkdir(parents=True)
    (root / 'images' / 'old.jpg').write_bytes(b'old')
    with pytest.raises(UserError, match='refused, its member'):
        extract(archive, root, everything)
    assert [p.name for p in root.rglob('*')] == ['images', 'old.jpg']
    assert not (tmp_path / 'evil').exists()


def test_a_damaged_archive_changes_nothing(tmp_path: Path) -> None:
    noise = np.random.RandomState(0).bytes(200_000)
    whole = pack(tmp_path / 'whole.tar.gz', {'images/a.jpg': noise, 'images/b.jpg': noise[::-1]})
    root = tmp_path / 'root'
    for length in (0, 10, 150_000, whole.stat().st_size - 20_000):
        cut = tmp_path / 'cut.tar.gz'
        cut.write_bytes(whole.read_bytes()[:length])
        with pytest.raises(UserError, match='copy or download it again'):
            extract(cut, root, everything)
        assert list(root.iterdir()) == []
    assert extract(whole, root, everything) == 2
    assert (root / 'images' / 'b.jpg').read_bytes() == noise[::-1]


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('custom_modules.datasets.archives.MAX_BYTES', 1_000_000)
    bomb = pack(tmp_path / 'bomb.tar.gz', {'images/a.jpg': bytes(2_000_000)})
    with pytest.raises(UserError, match='has 2,000,000 bytes by its header'):
        extract(bomb, tmp_path / 'root', everything)
    monkeypatch.setattr('custom_modules.datasets.archives.MAX_MEMBERS', 2)
    many = pack(tmp_path / 'many.tar.gz', {f'images/{n}.jpg': b'x' for n in range(3)})
    with pytest.raises(UserError, match='refused, it holds more than 2 files'):
        extract(many, tmp_path / 'root', everything)
    assert list((tmp_path / 'root').iterdir()) == []


@pytest.fixture
def archives(sample: Path, tmp_path: Path) -> Path:
    """The synthetic data set packed as the official pair, with the official junk."""
    folder = tmp_path / 'archives'
    folder.mkdir()
    for name in ARCHIVES:
        top = name.split('.')[0]
        files = {
            str(p.relative_to(sample)): p.read_bytes()
            for p in sorted((sample / top).rglob('*'))
            if p.is_file()
        }
        junk = ('images/Abyssinian_100.mat', 'annotations/trimaps/._Tabby_1.png', 'annotations/._x')
        files |= dict.fromkeys((*junk, 'annotations/xmls/Tabby_1.xml'), b'junk')
        pack(folder / name, files)
    return folder


@pytest.fixture
def prepared(sample: Path, archives: Path, tmp_path: Path) -> Path:
    root = tmp_path / 'data'
    preparation.unpack_archives(root, archives)
    shutil.copy(sample / 'sample.json', root)  # the lengths of its lists
    return root


def test_archives_become_a_whole_data_set(prepared: Path, capsys: pytest.CaptureFixture) -> None:
    assert not list(prepared.rglob('*.mat')) + list(prepared.rglob('._*'))
    report = check_oxford_pet(prepared)
    assert (report.images, report.faults, report.notes) == (320, [], [])
    assert sum(report.pixel_shares.values()) == pytest.approx(1)
    preparation.check(prepared)
    assert '320 images and trimaps, all in order' in capsys.readouterr().out
    assert belongs(PurePosixPath('images/a.jpg'))
    assert not belongs(PurePosixPath('other/a.jpg'))


def test_download_to_check(server: Server, archives: Path, sample: Path, tmp_path: Path) -> None:
    server.files = {f'/pets/{name}': (archives / name).read_bytes() for name in ARCHIVES}
    server.faults = ['breaks off']
    sums = {name: md5_of(archives / name) for name in ARCHIVES}
    root = tmp_path / 'fetched'
    preparation.download_archives(root, f'{server.url}/pets', sums)
    preparation.download_archives(root, f'{server.url}/pets', sums)  # fetches nothing again
    assert len(server.ranges) == 3
    shutil.copy(sample / 'sample.json', root)
    assert check_oxford_pet(root).faults == []


def first_test_id(root: Path) -> str:
    return (root / 'annotations' / 'test.txt').read_text().split()[0]


def remove_image(root: Path, name: str) -> None:
    (root / 'images' / f'{name}.jpg').unlink()


def cut_image(root: Path, name: str) -> None:
    path = root / 'images' / f'{name}.jpg'
    path.write_bytes(path.read_bytes()[:900])


def text_as_image(root: Path, name: str) -> None:
    (root / 'images' / f'{name}.jpg').write_text('<html>404</html>')


def empty_trimap(root: Path, name: str) -> None:
    (root / 'annotations' / 'trimaps' / f'{name}.png').write_bytes(b'')


def foreign_value(root: Path, name: str) -> None:
    path = str(root / 'annotations' / 'trimaps' / f'{name}.png')
    trimap = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    trimap[5, 5] = 4
    cv2.imwrite(path, trimap)


def other_size(root: Path, name: str) -> None:
    path = str(root / 'annotations' / 'trimaps' / f'{name}.png')
    cv2.imwrite(path, cv2.imread(path, cv2.IMREAD_UNCHANGED)[:-1])


def short_list(root: Path, _: str) -> None:
    path = root / 'annotations' / 'test.txt'
    path.write_text(''.join(path.read_text().splitlines(keepends=True)[1:]))


def overlap(root: Path, name: str) -> None:
    path = root / 'annotations' / 'trainval.txt'
    lines = path.read_text().splitlines()
    path.write_text('\n'.join([f'{name} 1 1 1', *lines[1:]]) + '\n')


def no_list(root: Path, _: str) -> None:
    (root / 'annotations' / 'trainval.txt').unlink()


@pytest.mark.parametrize(
    ('damage', 'file', 'kind'),
    [
        (remove_image, 'images/{}.jpg', 'cannot be read'),
        (cut_image, 'images/{}.jpg', 'Premature end'),
        (text_as_image, 'images/{}.jpg', 'not a readable image'),
        (empty_trimap, 'annotations/trimaps/{}.png', 'empty'),
        (foreign_value, 'annotations/trimaps/{}.png', 'values [4]'),
        (other_size, 'annotations/trimaps/{}.png', 'its image'),
        (short_list, 'annotations/test.txt', '79 lines'),
        (overlap, 'annotations', '1 images are in trainval.txt and test.txt'),
        (no_list, 'annotations/trainval.txt', 'cannot be read'),
    ],
    ids=lambda x: getattr(x, '__name__', ''),
)
def test_every_kind_of_damage_is_found(
    prepared: Path, capsys: pytest.CaptureFixture, damage: object, file: str, kind: str
) -> None:
    name = first_test_id(prepared)
    damage(prepared, name)
    report = check_oxford_pet(prepared)
    assert [f.file for f in report.faults] == [file.format(name)]
    assert kind in report.faults[0].kind
    assert 'unpack the archives again' in report.faults[0].remedy
    with pytest.raises(UserError, match='1 faults in'):
        preparation.check(prepared)
    assert file.format(name) in capsys.readouterr().out


def test_masks_without_a_pet_are_reported(prepared: Path) -> None:
    name = first_test_id(prepared)
    path = str(prepared / 'annotations' / 'trimaps' / f'{name}.png')
    cv2.imwrite(path, np.full_like(cv2.imread(path, cv2.IMREAD_UNCHANGED), 2))
    report = check_oxford_pet(prepared)
    assert report.faults == []
    assert [(n.file, n.kind) for n in report.notes] == [
        (f'annotations/trimaps/{name}.png', 'all background')
    ]


def test_the_sample_is_the_same_every_time(sample: Path, tmp_path: Path) -> None:
    preparation.draw(tmp_path)
    files = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob('*') if p.is_file())
    assert len(files) == 2 * 324 + 4
    assert all((tmp_path / f).read_bytes() == (sample / f).read_bytes() for f in files)


def test_the_sample_never_replaces_real_data(prepared: Path) -> None:
    (prepared / 'sample.json').unlink()
    with pytest.raises(UserError, match='holds another data set'):
        preparation.draw(prepared)


def test_data_of_ones_own_is_never_replaced(archives: Path, tmp_path: Path) -> None:
    root = tmp_path / 'mine'
    for folder in ('images', 'masks'):
        (root / folder).mkdir(parents=True)
        (root / folder / 'a.png').write_bytes(b'mine')
    for prepare in (
        lambda: preparation.draw(root),
        lambda: preparation.unpack_archives(root, archives),
        lambda: preparation.download_archives(root, 'http://127.0.0.1:9'),
    ):
        with pytest.raises(UserError, match='images and masks that would be replaced'):
            prepare()
    (root / 'masks').rename(root / 'others')
    with pytest.raises(UserError, match='holds another data set'):
        preparation.draw(root)
    assert (root / 'images' / 'a.png').read_bytes() == b'mine'


def test_a_full_disk_is_no_damaged_archive(tmp_path: Path) -> None:
    archive = pack(tmp_path / 'whole.tar.gz', {'images/a.jpg': bytes(200_000)})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(UserError, match=r'root: cannot be written \(File too large\)'):
            extract(archive, tmp_path / 'root', everything)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / 'root').iterdir()) == []


@pytest.mark.parametrize(
    'content',
    ['', '[]', '{"lengths": 3}', '{"lengths": {"trainval.txt": "many"}}', '[' * 100_000, '1e999'],
    ids=lambda content: content[:20],
)
def test_a_damaged_sample_says_so(tmp_path: Path, content: str) -> None:
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'sample.json').write_text(content)
    with pytest.raises(UserError, match=r'sample\.json: holds no lengths'):
        preparation.check(tmp_path)
