"""How the images of somebody's folder are to be read: found by headers and values, or asked."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from custom_modules.base.errors import UserError
from custom_modules.datasets.image_io import read_image
from custom_modules.datasets.image_reading import ImageReading
from custom_modules.preparation.images import ImageFindings, survey_images
from custom_modules.preparation.question import QuestionError

RANDOM = np.random.default_rng(0)


def survey(paths: Sequence[Path], channels: int | None = None) -> ImageFindings:
    counted: list[int] = []
    found = survey_images(paths, counted.append, channels)
    assert counted == [*range(1, len(paths) + 1)]
    return found


def rows_of(lines: Sequence[str]) -> dict[str, object]:
    """Return what the lines of a config set; each has its reason."""
    assert all('  # ' in line for line in lines)
    values: dict[str, object] = {}
    exec('\n'.join(lines), {}, values)
    return values


def write(folder: Path, *pictures: np.ndarray, **options: object) -> list[Path]:
    paths = []
    for number, values in enumerate(pictures):
        paths.append(folder / f'{number}.tif')
        tifffile.imwrite(paths[-1], values, **options)  # type: ignore[arg-type]
    return paths


def bands(number: int, kind: type = np.uint8, most: int = 255) -> np.ndarray:
    return RANDOM.integers(0, most, (20, 30, number)).astype(kind)


def test_colours_of_8_bits_need_no_line(tmp_path: Path) -> None:
    for name in ('a.jpg', 'b.png'):
        Image.fromarray(bands(3)).save(tmp_path / name)
    found = survey(sorted(tmp_path.iterdir()))
    assert (found.config_lines, found.reading) == ([], ImageReading())
    assert '2 images: 2 of 3 bands of uint8; all 30x20' in found.notes


def test_16_bit_values_get_limits_and_a_normalisation(tmp_path: Path) -> None:
    """Values of a microscope; those that the rule makes of them spread over all bytes."""
    pictures = [(112 + bands(1, np.uint16, 200)[..., 0]).astype(np.uint16) for _ in range(5)]
    pictures[0][0, 0] = 60_000  # a hot pixel does not decide
    paths = write(tmp_path, *pictures)
    found = survey(paths)
    values = rows_of(found.config_lines)
    assert values['in_channels'] == 1
    limits = values['image_reading']['limits']  # type: ignore[index]
    assert limits == pytest.approx([113, 311], abs=2)
    mean, std = values['preprocessor']['mean'], values['preprocessor']['std']  # type: ignore[index]
    seen = np.stack([read_image(path, found.reading) for path in paths])
    assert mean == pytest.approx([seen.mean()], abs=0.01) and std == pytest.approx(
        [seen.std()], abs=0.01
    )
    assert (np.percentile(seen, 2), np.percentile(seen, 98)) == pytest.approx((3, 252), abs=4)


@pytest.mark.parametrize(
    ('kind', 'pictures', 'options', 'expected'),
    [
        ('grey', [bands(1)[..., 0]], {}, dict(in_channels=1)),
        ('two', [bands(2)], dict(photometric='minisblack', extrasamples=[0]), dict(in_channels=2)),
        (
            'infrared by its tag',
            [bands(4)],
            dict(photometric='rgb', extrasamples=[0]),
            dict(in_channels=4),
        ),
        (
            'planar, compressed',
            [np.moveaxis(bands(6), -1, 0)],
            dict(photometric='minisblack', planarconfig='separate', compression='lzw'),
            dict(in_channels=6),
        ),
        (
            'signed',
            [bands(1, np.int16, 500)[..., 0] - np.int16(700)],
            {},
            dict(in_channels=1, image_reading=dict(limits=[-698, -204])),
        ),
    ],
)
def test_kinds(kind: str, pictures: list, options: dict, expected: dict, tmp_path: Path) -> None:
    values = rows_of(survey(write(tmp_path, *pictures, **options)).config_lines)
    assert len(values.pop('preprocessor')['mean']) == expected['in_channels'], kind  # type: ignore[index]
    for name, value in expected.items():
        if name == 'image_reading':
            found = values['image_reading']['limits']  # type: ignore[index]
            assert found == pytest.approx(value['limits'], abs=6)
        else:
            assert values[name] == value
    assert values.keys() == expected.keys()


def test_colours_share_their_limits_and_bands_have_their_own(tmp_path: Path) -> None:
    factors = np.array([1, 2, 4, 8])
    deep = (bands(4, np.uint16) * factors).astype(np.uint16)
    (tmp_path / 'a').mkdir(), (tmp_path / 'b').mkdir()
    colours = survey(write(tmp_path / 'a', deep[..., :3].copy(), photometric='rgb'))
    four = survey(write(tmp_path / 'b', deep, photometric='rgb', extrasamples=[0]))
    assert colours.reading.channels == 3 and len(colours.reading.limits or ()) == 1
    assert [high for _, high in four.reading.limits or ()] == pytest.approx(
        list(254 * factors), rel=0.03
    )


def test_values_that_stand_for_none_do_not_count(tmp_path: Path) -> None:
    values = RANDOM.uniform(0, 1, (20, 30)).astype(np.float32)
    values[:5], values[5, :3] = -9999, np.nan
    paths = write(tmp_path, values, extratags=[(42113, 's', 0, '-9999', True)])
    ((low, high),) = survey(paths).reading.limits or ()
    assert 0 <= low < 0.1 and 0.9 < high <= 1
    tifffile.imwrite(paths[0], np.full((4, 4), np.nan, np.float32))
    with pytest.raises(UserError, match='none of their values is a number'):
        survey(paths)


def test_grey_and_colours_are_colours(tmp_path: Path) -> None:
    Image.fromarray(bands(3)).save(tmp_path / 'a.png')
    Image.fromarray(bands(1)[..., 0]).save(tmp_path / 'b.png')
    found = survey(sorted(tmp_path.iterdir()))
    assert found.config_lines == []
    assert '1 images are grey and 1 in colours: all are colours' in found.notes


def test_transparency_of_a_cut_out_is_left_out(tmp_path: Path) -> None:
    Image.fromarray(bands(4)).save(tmp_path / 'a.png')
    found = survey([tmp_path / 'a.png'])
    assert found.config_lines == []
    assert any('transparency' in note for note in found.notes)


@pytest.mark.parametrize(
    ('last', 'asked'),
    [
        (np.full((20, 30), 255), False),
        (np.where(RANDOM.random((20, 30)) < 0.5, 0, 255), False),
        (RANDOM.integers(0, 255, (20, 30)), True),  # infrared, which a program called transparency
    ],
)
def test_a_fourth_band_that_is_said_to_be_transparency(
    last: np.ndarray, asked: bool, tmp_path: Path
) -> None:
    values = bands(4)
    values[..., 3] = last
    paths = write(tmp_path, values, photometric='rgb', extrasamples=[2])
    if not asked:
        assert survey(paths).config_lines == []
        return
    with pytest.raises(QuestionError) as question:
        survey(paths)
    assert [*question.value.answers] == ['--channels 4', '--channels 3']
    assert rows_of(survey(paths, 4).config_lines)['in_channels'] == 4
    assert survey(paths, 3).config_lines == []


def test_different_bands_are_a_question(tmp_path: Path) -> None:
    paths = write(tmp_path, bands(5), bands(8), photometric='minisblack', planarconfig='contig')
    with pytest.raises(QuestionError, match='1 of 5, 1 of 8'):
        survey(paths)
    assert rows_of(survey(paths, 3).config_lines)['image_reading'] == dict(bands=[1, 2, 3])


def test_sizes_and_what_cannot_be_read(tmp_path: Path) -> None:
    for number, side in enumerate((10, 40, 20)):
        cv2.imwrite(str(tmp_path / f'{number}.png'), np.zeros((side, 2 * side, 3), np.uint8))
    (tmp_path / '3.png').write_text('text')
    found = survey(sorted(tmp_path.iterdir()))
    assert str(found.sizes) == '20x10 to 80x40, median 40x20'
    assert any(note.startswith('1 images cannot be read: 3.png') for note in found.notes)
