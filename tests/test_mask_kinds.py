"""Masks of every kind: what is foreground, counted and read as training reads it."""

import argparse
import io
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from custom_modules.base.errors import UserError
from custom_modules.datasets.image_io import read_orientation
from custom_modules.datasets.transforms.loading import LoadImage, LoadMask
from custom_modules.preparation.answers import Answers
from custom_modules.preparation.mask_kinds import MaskRule, find_rule
from custom_modules.preparation.mask_kinds.look import look
from custom_modules.preparation.question import QuestionError

NO_ANSWERS = Answers()

HEIGHT, WIDTH = 40, 60

#: Two objects, of 14 x 16 and 12 x 10 pixels.
ONE, TWO = np.zeros((2, HEIGHT, WIDTH), bool)
ONE[6:20, 8:24] = True
TWO[20:32, 40:50] = True
BOTH = ONE | TWO
SHARE = (14 * 16 + 12 * 10) / (HEIGHT * WIDTH)

#: Lines around both objects, 3 pixels wide.
LINES = cv2.morphologyEx(BOTH.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0

#: Something 2 pixels wide, and what surrounds it.
THIN = np.zeros((HEIGHT, WIDTH), bool)
THIN[10:12, 10:26] = True
RIM = (cv2.dilate(THIN.astype(np.uint8), np.ones((5, 5))) > 0) & ~THIN

Numbers = np.ndarray
File = tuple[str, bytes]


def saved(picture: Image.Image, ending: str, **options: Any) -> File:
    file = io.BytesIO()
    kind = {'.tif': 'TIFF', '.jpg': 'JPEG'}.get(ending, ending[1:].upper())
    picture.save(file, kind, **options)
    return ending, file.getvalue()


def grey(numbers: Numbers, ending: str = '.png', **options: Any) -> File:
    return saved(Image.fromarray(np.ascontiguousarray(numbers)), ending, **options)


def by_number(one: int, two: int, ground: int = 0, kind: Any = np.uint8) -> Numbers:
    return np.where(ONE, one, np.where(TWO, two, ground)).astype(kind)


def coloured(one: str, two: str, ground: str = '#000000', ending: str = '.png', **how: Any) -> File:
    picture = Image.new('RGB', (WIDTH, HEIGHT), ground)
    for area, colour in ((ONE, one), (TWO, two)):
        picture.paste(colour, mask=Image.fromarray(area))
    return saved(picture, ending, **how)


def indexed(indices: Numbers, *colours: int, ending: str = '.png', **options: Any) -> File:
    picture = Image.fromarray(indices.astype(np.uint8))
    picture.putpalette([colour >> shift & 255 for colour in colours for shift in (16, 8, 0)])
    return saved(picture, ending, **options)


def soft(white: int = 255, kind: Any = np.uint8) -> Numbers:
    blurred = cv2.GaussianBlur(BOTH.astype(np.float64), (5, 5), 1) * white
    return (
        blurred.astype(kind) if np.issubdtype(kind, np.floating) else np.rint(blurred).astype(kind)
    )


def with_opacity(opacity: Numbers, *colours: int) -> File:
    """Return a photograph with an opacity, or labels in one or two colours."""
    pixels = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    if colours:
        parts = [np.array([c >> shift & 255 for shift in (16, 8, 0)]) for c in colours]
        pixels = np.where(TWO[..., None], parts[-1], parts[0]).astype(np.uint8)
    return grey(np.dstack([pixels, opacity]))


def array(numbers: Numbers) -> File:
    file = io.BytesIO()
    np.save(file, numbers)
    return '.npy', file.getvalue()


def objects(number: int, first: int = 1, kind: Any = np.uint8) -> Numbers:
    """Return squares of 4 pixels with rising numbers."""
    numbers = np.zeros((HEIGHT, WIDTH), kind)
    for n in range(number):
        row, column = 2 + n // 8 * 7, 2 + n % 8 * 7
        numbers[row : row + 4, column : column + 4] = first + n
    return numbers


VOC = np.where(LINES, 255, by_number(8, 12))
NOISE = np.random.default_rng(1).integers(-2, 3, (HEIGHT, WIDTH))
SHADES = tuple(n << 16 | 255 - n << 8 | n // 2 for n in range(256))
MARKED = np.where(LINES, 127, np.where(BOTH, 255, 0))
NONZERO = Answers(foreground=('nonzero',))


@dataclass
class Row:
    """Masks of one kind.

    Attributes:
        files: the files of one mask each.
        right: 0, 255 and 127 as they should be read.
        answers: what the user says.
        in_place: whether training reads the files where they lie.
    """

    files: list[File]
    right: list[Numbers]
    answers: Answers = NO_ANSWERS
    in_place: bool = True


def same(*files: File, in_place: bool = True, answers: Answers = NO_ANSWERS) -> Row:
    """Return masks that all show both objects."""
    return Row(list(files), [BOTH * 255] * len(files), answers, in_place)


CONVERTED = dict(in_place=False)
ROWS = {
    '0 and 1': same(grey(by_number(1, 1))),
    '0 and 255': same(grey(by_number(255, 255))),
    '0 and 38': same(grey(by_number(38, 38))),
    '0 and 1 in some, 0 and 255 in others': same(grey(by_number(1, 1)), grey(by_number(255, 255))),
    '1 bit': same(grey(BOTH)),
    'bitmap': same(grey(by_number(255, 255), '.bmp')),
    'GIF': same(grey(by_number(255, 255), '.gif')),
    'grey stored as colours': same(coloured('#ffffff', '#ffffff')),
    'grey with opacity that says nothing': same(
        saved(Image.fromarray(by_number(255, 255)).convert('LA'), '.png')
    ),
    'dark is foreground, as said': Row(
        [grey(by_number(255, 255))], [~BOTH * 255], Answers(foreground=('0',))
    ),
    'two classes, one chosen': Row(
        [grey(by_number(1, 2))], [ONE * 255], Answers(foreground=('1',))
    ),
    'two classes, both chosen': same(grey(by_number(1, 2)), answers=NONZERO),
    'two classes, one does not count': Row(
        [grey(by_number(1, 2))], [ONE * 255 + TWO * 127], Answers(ignore=('2',))
    ),
    'a trimap whose middle does not count': Row(
        [grey(by_number(255, 128))], [ONE * 255 + TWO * 127], Answers(ignore=('128',))
    ),
    'three levels and a threshold': Row(
        [grey(by_number(255, 128))], [ONE * 255], Answers(threshold=200)
    ),
    'VOC, classes by index': Row(
        [indexed(VOC, *SHADES)], [MARKED], Answers(foreground=('8', '12'))
    ),
    'VOC, everything but 0': Row([indexed(VOC, *SHADES)], [MARKED], NONZERO),
    'VOC, one class by its colour': Row(
        [indexed(VOC, *SHADES)],
        [np.where(LINES, 127, np.where(ONE, 255, 0))],
        Answers(foreground=('#08f704',)),
    ),
    'VOC of one class': Row([indexed(np.where(LINES, 255, BOTH * 15), *SHADES)], [MARKED]),
    'grey 1, outlined by 255': Row([grey(np.where(LINES, 255, BOTH).astype(np.uint8))], [MARKED]),
    'palette, white first': same(indexed(~BOTH, 0xFFFFFF, 0)),
    'palette, foreground first': same(indexed(~BOTH, 0xFF0000, 0), **CONVERTED),
    'palettes in another order in each file': same(
        indexed(BOTH, 0, 0x00FF00), indexed(~BOTH, 0x00FF00, 0), **CONVERTED
    ),
    'palette of greys that are not its indices': same(
        indexed(by_number(2, 2), 0, 0x808080, 0xC8C8C8), **CONVERTED
    ),
    'palette with a transparent ground': same(
        indexed(BOTH, 0x00FF00, 0xFF0000, transparency=0), **CONVERTED
    ),
    'red on black': same(coloured('#800000', '#800000'), **CONVERTED),
    'red on black, and an empty one': Row(
        [coloured('#800000', '#800000'), coloured('#000000', '#000000')],
        [BOTH * 255, BOTH * 0],
        in_place=False,
    ),
    'one of two colours': Row(
        [coloured('#ff0000', '#0000ff')], [TWO * 255], Answers(foreground=('blue',)), False
    ),
    'colour on white': Row(
        [coloured('#ff0000', '#ff0000', '#ffffff')],
        [BOTH * 255],
        Answers(foreground=('#ff0000',)),
        False,
    ),
    'red on black in a JPEG': same(
        coloured('#ff0000', '#ff0000', ending='.jpg', quality=90), **CONVERTED
    ),
    'green on black in a JPEG': same(
        coloured('#00ff00', '#00ff00', ending='.jpg', quality=60), **CONVERTED
    ),
    'white in a JPEG of colours': same(coloured('#ffffff', '#ffffff', ending='.jpg', quality=75)),
    'red with soft edges': Row(
        [grey(np.dstack([soft(), soft() * 0, soft() * 0]))], [(soft() > 127) * 255], **CONVERTED
    ),
    'objects in 16 bits': same(grey(by_number(300, 301, kind=np.uint16), '.tif'), **CONVERTED),
    'objects in 8 bits': Row(
        [grey(objects(12)), grey(objects(30))], [(objects(n) > 0) * 255 for n in (12, 30)]
    ),
    'objects with gaps in their numbers': Row(
        [grey(objects(12, 290, np.uint16) * (objects(12) % 3 > 0))],
        [(objects(12) % 3 > 0) * (objects(12) > 0) * 255],
        in_place=False,
    ),
    '0 and 65,535': same(grey(by_number(65_535, 65_535, kind=np.uint16)), **CONVERTED),
    '0 and 1 in 16 bits': same(grey(by_number(1, 1, kind=np.uint16), '.tif')),
    'soft edges': Row([grey(soft())], [(soft() > 127) * 255]),
    'soft edges, dark is foreground': Row(
        [grey(soft())], [(soft() <= 127) * 255], Answers(foreground=('0',))
    ),
    'soft edges, a threshold': Row([grey(soft())], [(soft() > 30) * 255], Answers(threshold=30)),
    'a threshold that 0 and 1 do not need': same(
        grey(by_number(1, 1)), answers=Answers(threshold=127)
    ),
    'soft edges in 16 bits': Row(
        [grey(soft(65_535, np.uint16))], [(soft(65_535, np.uint16) > 127 * 257) * 255], **CONVERTED
    ),
    'soft edges in three channels': Row(
        [grey(soft()[..., None].repeat(3, 2))], [(soft() > 127) * 255]
    ),
    'noise near black and white': same(
        grey(np.clip(by_number(255, 255) + NOISE, 0, 255).astype(np.uint8))
    ),
    'opacity of a cut-out': same(with_opacity(by_number(255, 255)), **CONVERTED),
    'soft opacity of a cut-out': Row(
        [with_opacity(soft())], [(soft() > 127) * 255], in_place=False
    ),
    'one colour on nothing': same(with_opacity(by_number(255, 255), 0xFF0000)),
    'half transparent': same(with_opacity(by_number(128, 128), 0xFF0000)),
    'truth values': same(array(BOTH)),
    'whole numbers': same(array(by_number(1, 1, kind=np.int64))),
    'fractions': Row(
        [array(soft(1, np.float32))], [(soft(1, np.float64) >= 0.5) * 255], **CONVERTED
    ),
    'fractions, and whole ones': Row(
        [array(soft(1, np.float32)), array(by_number(1, 1, kind=np.float32))],
        [(soft(1, np.float64) >= 0.5) * 255, BOTH * 255],
        in_place=False,
    ),
    '-1 does not count': Row(
        [array(by_number(1, -1, kind=np.int16))],
        [ONE * 255 + TWO * 127],
        Answers(ignore=('-1',)),
        False,
    ),
}


def pairs_of(folder: Path, files: list[File]) -> list[tuple[Path, list[Path]]]:
    """Write images and their masks."""
    pairs = []
    for number, (ending, content) in enumerate(files):
        image, mask = folder / f'{number}.bmp', folder / f'{number}_mask{ending}'
        Image.new('RGB', (WIDTH, HEIGHT)).save(image)
        mask.write_bytes(content)
        pairs.append((image, [mask]))
    return pairs


def rule_of(pairs: list[tuple[Path, list[Path]]], answers: Answers = NO_ANSWERS) -> MaskRule:
    return find_rule(pairs, answers, [].append)


def as_trained(image: Path, mask: Path, encodings: list[dict[int, int]]) -> Numbers:
    """Return what LoadMask gives to a training, written as the rule writes it."""
    entry = dict(img_path=str(image), seg_map_path=str(mask), mask_encodings=encodings)
    return np.array([0, 255, 127])[np.minimum(LoadMask()(LoadImage()(entry))['gt_seg_map'], 2)]


@pytest.mark.parametrize('row', ROWS.values(), ids=ROWS)
def test_what_is_counted_converted_and_trained_on_is_one(row: Row, tmp_path: Path) -> None:
    pairs = pairs_of(tmp_path, row.files)
    rule = rule_of(pairs, row.answers)
    for (image, masks), right, share in zip(pairs, row.right, rule.shares, strict=True):
        found = rule.apply(image, masks)
        assert found.dtype == np.uint8
        assert np.array_equal(found, right)
        assert share == pytest.approx((right == 255).sum() / (right != 127).sum())
        if rule.encodings:
            assert np.array_equal(as_trained(image, masks[0], rule.encodings), right)
    assert (rule.encodings is not None) == row.in_place


QUESTIONS: dict[str, tuple[list[File], str, str]] = {
    'three values': ([grey(by_number(1, 2))], '1 (9.3 %), 2 (5.0 %)', '--foreground nonzero'),
    'a trimap': ([grey(by_number(255, 128))], '128', '--foreground 255 --ignore 128'),
    'a trimap from 1': (
        [grey(by_number(1, 3, 2))],
        '2 (85.7 %)',
        '--foreground 1 --ignore 3',
    ),
    'a trimap in a JPEG': (
        [grey(by_number(255, 128), '.jpg', quality=90)],
        'such as',
        '--threshold 65',
    ),
    'classes in turns': (
        [grey(by_number(7, 0)), grey(by_number(0, 9))],
        '7 (4.7 %, in 0_mask.png alone)',
        '--foreground 9',
    ),
    'VOC, two classes': (
        [indexed(VOC, *SHADES)],
        '255 outlines objects and does not count',
        '--foreground 12',
    ),
    'a trimap of thin objects': (
        [grey(np.where(RIM, 128, THIN * 255).astype(np.uint8))],
        '255 (1.3 %)',
        '--foreground 255 --ignore 128',
    ),
    'an area of 255 beside 1': (
        [grey(by_number(1, 255))],
        '255 (5.0 %)',
        '--foreground 1 --ignore 255',
    ),
    'two colours': (
        [coloured('#ff0000', '#0000ff')],
        '#ff0000 (9.3 %)',
        "--foreground '#0000ff' --ignore '#ff0000'",
    ),
    'a colour on white': (
        [coloured('#ff0000', '#ff0000', '#ffffff')],
        '#ffffff (85.7 %)',
        "--foreground '#ff0000'",
    ),
    'two colours in a JPEG': (
        [coloured('#ff0000', '#00ff00', ending='.jpg', quality=90, subsampling=0)],
        'colours',
        '--foreground nonzero',
    ),
    'colours on nothing': (
        [with_opacity(by_number(255, 255), 0xFF0000, 0x00FF00)],
        '#ff0000 (9.3 %)',
        "--foreground '#00ff00'",
    ),
    'palette, white first and black in the middle': (
        [indexed(by_number(1, 2), 0xFFFFFF, 0, 0xFF0000)],
        '#ffffff (85.7 %)',
        "--foreground '#ff0000'",
    ),
    'few objects in 8 bits': ([grey(objects(4))], '4 (0.7 %)', '--foreground nonzero'),
    'class and object in one number': (
        [grey(by_number(26_001, 26_002, 7, np.uint16))],
        '26002',
        '--foreground 26001',
    ),
    'no 0': ([grey(by_number(2, 2, 1))], '1 (85.7 %)', '--foreground 2'),
    'a threshold of a soft mask named by a grey of it': (
        [grey(soft())],
        'which end',
        '--foreground 255',
    ),
}


@pytest.mark.parametrize(('files', 'seen', 'option'), QUESTIONS.values(), ids=QUESTIONS)
def test_doubt_is_a_question(files: list[File], seen: str, option: str, tmp_path: Path) -> None:
    answers = Answers(foreground=('100',)) if 'which end' in seen else NO_ANSWERS
    pairs = pairs_of(tmp_path, files)
    with pytest.raises(QuestionError) as asked:
        rule_of(pairs, answers)
    assert seen in asked.value.text
    assert asked.value.text.endswith('?')
    assert option in asked.value.answers
    for answer in asked.value.answers:  # each of them is one
        rule_of(pairs, as_answers(answer))


def as_answers(option: str) -> Answers:
    """Return what the options of a command line say."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--foreground', nargs='+', default=())
    parser.add_argument('--ignore', nargs='+', default=())
    parser.add_argument('--threshold', type=int)
    parser.add_argument('--resize-masks', action='store_true')
    said = vars(parser.parse_args(shlex.split(option)))
    return Answers(**said | {name: tuple(said[name]) for name in ('foreground', 'ignore')})


def test_faults_are_said_at_once(tmp_path: Path) -> None:
    pairs = pairs_of(tmp_path, [grey(by_number(1, 1))] * 5)
    pairs[1][1][0].write_bytes(b'')
    pairs[2][1][0].write_bytes(grey(by_number(1, 1)[:30])[1])
    pairs[3][0].write_bytes(b'BM, but no picture')
    with pytest.raises(UserError) as refusal:
        rule_of(pairs)
    first, *lines = str(refusal.value).split('\n')
    assert first == '3 files cannot be used:'
    assert '1_mask.png: the file is empty; copy it again' in lines[0]
    assert '3.bmp: not a readable image' in lines[1]
    assert '2_mask.png: the mask is 60x30, its image 60x40, of another shape' in lines[2]


@pytest.mark.parametrize(
    ('numbers', 'message'),
    [
        (by_number(0, 0), 'none of the 2 masks holds foreground (such as'),
        (by_number(255, 255, 255), 'every pixel of the 2 masks is foreground (such as'),
        (by_number(0, -300, kind=np.int32), 'values from -300 to 0'),
        (by_number(0, 2.5, kind=np.float32), 'fractions from 0 to 2.5'),
        (by_number(0, -1.5, kind=np.float32), 'fractions from -1.5 to 0'),
        (by_number(0, np.nan, kind=np.float32), 'no numbers (NaN or infinity)'),
        (np.zeros((HEIGHT, WIDTH, 2)), 'not one picture'),
        (np.zeros((HEIGHT, WIDTH), 'datetime64[s]'), 'holds datetime64[s], no plain numbers'),
    ],
)
def test_masks_that_are_none(numbers: Numbers, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refusal:
        rule_of(pairs_of(tmp_path, [array(numbers)] * 2))
    assert message in str(refusal.value)


def test_a_picture_is_no_mask(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    with pytest.raises(UserError, match='colours, those of a picture and not of a mask'):
        rule_of(pairs_of(tmp_path, [grey(pixels)]))


@pytest.mark.parametrize('word', ['leaf', '7', '#123456'])
def test_what_is_named_has_to_be_there(word: str, tmp_path: Path) -> None:
    pairs = pairs_of(tmp_path, [grey(by_number(1, 1))])
    with pytest.raises(UserError, match=f'^--foreground {word}: '):
        rule_of(pairs, Answers(foreground=(word,)))


def test_other_sizes_are_asked_for(tmp_path: Path) -> None:
    pairs = pairs_of(tmp_path, [grey(by_number(1, 1)[::2, ::2])] * 2)
    with pytest.raises(QuestionError, match=r'2 of 2 masks have other sizes .*30x20.* 60x40') as it:
        rule_of(pairs)
    assert [*it.value.answers] == ['--resize-masks']
    rule = rule_of(pairs, Answers(resize_masks=True))
    assert rule.encodings is None
    assert np.array_equal(rule.apply(*pairs[0]), BOTH * 255)
    assert rule.shares == [SHARE, SHARE]


def test_one_file_for_each_object(tmp_path: Path) -> None:
    (image, (first,)), (_, (second,)) = pairs_of(
        tmp_path, [grey(by_number(255, 0)), grey(by_number(255, 255))]
    )
    rule = rule_of([(image, [first, second])])
    assert rule.encodings is None
    assert np.array_equal(rule.apply(image, [first, second]), BOTH * 255)
    assert rule.shares == [SHARE]


@pytest.mark.parametrize(
    ('numbers', 'note'),
    [
        ([by_number(1, 1), by_number(0, 0)], '1 of 2 masks hold no foreground'),
        ([by_number(1, 1), by_number(1, 1, 1)], '1 of 2 masks hold no background'),
        ([by_number(0, 0, 1)], 'of the pictures are foreground: if the masks are inverted'),
        ([by_number(1, 1)], '14.3 % of all pixels are foreground'),
        ([soft()], 'soft edges): above 127 is foreground (threshold 127, half)'),
    ],
)
def test_what_is_worth_a_line(numbers: list[Numbers], note: str, tmp_path: Path) -> None:
    rule = rule_of(pairs_of(tmp_path, [grey(one) for one in numbers]))
    assert note in '\n'.join(rule.notes)


def test_little_is_kept_of_a_mask(tmp_path: Path) -> None:
    """However large it is: 10,000 of them are a few megabytes."""
    ((image, (mask,)),) = pairs_of(tmp_path, [grey(cv2.resize(soft(), (900, 600)))])
    Image.new('L', (900, 600)).save(image)
    kept = vars(look(mask, read_orientation(image))).values()
    arrays = {id(one): one.nbytes for one in kept if isinstance(one, np.ndarray)}
    assert sum(arrays.values()) < 4_096
