"""Annotations of every format: the masks that they mean, or what has to be said or asked."""

import base64
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from custom_modules.preparation.answers import Answers
from custom_modules.preparation.question import QuestionError
from tests.annotated import (
    HEIGHT,
    NO_ANSWERS,
    ONE,
    TWO,
    WIDTH,
    Content,
    Mask,
    coco,
    cvat,
    cvat_polygon,
    disc,
    filled,
    flat,
    labelme,
    picture,
    png,
    points,
    put,
    read_annotated,
    runs,
    via,
    via_polygon,
    yolo,
)

POLYGON = dict(points=points(ONE))
CROPPED = filled(ONE)[6:20, 8:24]
COLOURS = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
COLOURS[filled(ONE) > 0] = 250, 50, 83
COLOURS[filled(TWO) > 0] = 50, 183, 250
LABELMAP = (
    '# label:color_rgb:parts:actions\nbackground:0,0,0::\nleaf:250,50,83::\npot:50,183,250::\n'
)


@dataclass
class Row:
    """A folder with annotations.

    Attributes:
        format: the format that is to be found.
        files: name -> content: bytes, text, or what becomes JSON.
        right: image -> its mask.
        answers: what the user says.
        splits: image -> split.
        note: a part of the notes.
    """

    format: str
    files: dict[str, Content]
    right: dict[str, Mask] = field(default_factory=lambda: {'a.png': filled(ONE)})
    answers: Answers = NO_ANSWERS
    splits: dict[str, str] = field(default_factory=dict)
    note: str = ''


#: ``ONE`` as pycocotools packs it.
PACKED = 'V:>j000000000000000000000000000000j\\1'

BOTH = {'a.png': filled(ONE, TWO)}
LEAF = Answers(foreground=('leaf',))
SPLITS = {'train/images/a.png': 'train', 'valid/images/a.png': 'val'}

ROWS: dict[str, Row] = {
    'COCO, a polygon': Row('COCO', {'i.json': coco([flat(ONE)]), 'a.png': picture()}),
    'COCO, an object in two parts': Row(
        'COCO', {'i.json': coco([flat(ONE), flat(TWO)]), 'a.png': picture()}, BOTH
    ),
    'COCO, run lengths of a crowd': Row(
        'COCO',
        {
            'i.json': coco(
                dict(
                    segmentation=dict(size=[HEIGHT, WIDTH], counts=runs(filled(ONE), down=True)),
                    iscrowd=1,
                )
            ),
            'a.png': picture(),
        },
        note='1 crowd regions (iscrowd) are taken for objects',
    ),
    'COCO, run lengths as a text': Row(
        'COCO',
        {
            'i.json': coco(dict(segmentation=dict(size=[HEIGHT, WIDTH], counts=PACKED))),
            'a.png': picture(),
        },
    ),
    'COCO, drawn on the pixels as they are stored': Row(
        'COCO',
        {'i.json': coco([flat(ONE)]), 'a.png': picture(exif=6)},
        {'a.png': np.rot90(filled(ONE), -1)},
    ),
    'COCO, images in another folder, of another machine': Row(
        'COCO',
        {
            'x/i.json': coco([flat(ONE)], images=(r'C:\data\b\a.png',)),
            'b/a.png': picture(),
            'c/a.png': picture(),
        },
        {'b/a.png': filled(ONE)},
        note="1 images have no entry and are left out, as nobody has annotated them: 'c/a.png'",
    ),
    'COCO, a JSON for each split': Row(
        'COCO',
        {
            'annotations/instances_train2017.json': coco([flat(ONE)]),
            'annotations/instances_val2017.json': coco([flat(TWO)]),
            'train2017/a.png': picture(),
            'val2017/a.png': picture(),
        },
        {'train2017/a.png': filled(ONE), 'val2017/a.png': filled(TWO)},
        splits={'train2017/a.png': 'train', 'val2017/a.png': 'val'},
    ),
    'COCO, an unused category is no choice': Row(
        'COCO',
        {
            'i.json': coco([flat(ONE)], categories=('leaf', 'pot', 'plants'), parent='plants'),
            'a.png': picture(),
        },
    ),
    'COCO, a category': Row(
        'COCO',
        {
            'i.json': coco(
                [flat(ONE)],
                dict(segmentation=[flat(TWO)], category_id=1),
                categories=('leaf', 'pot'),
            ),
            'a.png': picture(),
        },
        answers=LEAF,
    ),
    'COCO, a super-category': Row(
        'COCO',
        {
            'i.json': coco(
                [flat(ONE)],
                dict(segmentation=[flat(TWO)], category_id=1),
                categories=('leaf', 'pot', 'Plants'),
                parent='Plants',
            ),
            'a.png': picture(),
        },
        BOTH,
        Answers(foreground=('plants',)),
    ),
    'COCO, a category does not count': Row(
        'COCO',
        {
            'i.json': coco(
                [flat(ONE)],
                dict(segmentation=[flat(TWO)], category_id=1),
                categories=('leaf', 'pot'),
            ),
            'a.png': picture(),
        },
        {'a.png': filled(ONE) | filled(TWO, label=127)},
        Answers(ignore=('pot',)),
    ),
    'COCO, a line beside a polygon': Row(
        'COCO',
        {'i.json': coco([flat(ONE)], [[1, 1, 5, 5]]), 'a.png': picture()},
        note='1 of the kind polygon of less than three points cover no area',
    ),
    'COCO, a mask is not taken for the image that is not there': Row(
        'COCO',
        {
            'i.json': coco([flat(ONE)], images=('a.png', 'b.jpg')),
            'a.png': picture(),
            'masks/b.png': picture('L'),
        },
        note="1 images are named and not there: 'b.jpg'",
    ),
    'COCO, an image without objects and one that is not there': Row(
        'COCO',
        {
            'i.json': coco([flat(ONE)], images=('a.png', 'b.png', 'gone.png')),
            'a.png': picture(),
            'b.png': picture(),
        },
        {'a.png': filled(ONE), 'b.png': filled()},
        note="1 images are named and not there: 'gone.png'",
    ),
    'labelme, a polygon': Row('labelme', {'a.json': labelme(POLYGON), 'a.png': picture()}),
    'labelme, a rectangle by any two corners': Row(
        'labelme',
        {
            'a.json': labelme(dict(points=[[23, 6], [8, 19]], shape_type='rectangle')),
            'a.png': picture(),
        },
    ),
    'labelme, a circle': Row(
        'labelme',
        {
            'a.json': labelme(dict(points=[[30, 20], [36, 28]], shape_type='circle')),
            'a.png': picture(),
        },
        {'a.png': disc(30, 20, 10, 10)},
    ),
    'labelme, a mask': Row(
        'labelme',
        {
            'a.json': labelme(
                dict(
                    points=[[8, 6], [23, 19]],
                    shape_type='mask',
                    mask=base64.b64encode(png(CROPPED > 0)).decode(),
                )
            ),
            'a.png': picture(),
        },
    ),
    'labelme, lines and points': Row(
        'labelme',
        {
            'a.json': labelme(POLYGON, dict(points=[[1, 1]], shape_type='point')),
            'a.png': picture(),
        },
        note='1 of the kind point cover no area',
    ),
    'labelme, JSON beside the folder of images': Row(
        'labelme',
        {'json/a.json': labelme(POLYGON, name=r'..\images\a.png'), 'images/a.png': picture()},
        {'images/a.png': filled(ONE)},
    ),
    'labelme, an image of another ending': Row(
        'labelme', {'a.json': labelme(POLYGON, name='a.bmp'), 'a.png': picture()}
    ),
    'labelme, the image in the JSON': Row(
        'labelme',
        {'a.json': labelme(POLYGON, imageData=base64.b64encode(picture()).decode())},
    ),
    'labelme, a hole and what does not count': Row(
        'labelme',
        {
            'a.json': labelme(
                POLYGON,
                dict(label='_background_', points=points((10, 8, 12, 10))),
                dict(label='__ignore__', points=points((14, 8, 16, 10))),
            ),
            'a.png': picture(),
        },
        {'a.png': filled(ONE) - filled((10, 8, 12, 10)) - filled((14, 8, 16, 10), label=255 - 127)},
    ),
    'VIA, a polygon': Row('VIA', {'via.json': via(via_polygon(ONE)), 'a.png': picture()}),
    'VIA, a rectangle in a project': Row(
        'VIA',
        {
            'via.json': dict(
                _via_settings={},
                _via_img_metadata=via(dict(name='rect', x=8, y=6, width=15, height=13)),
            ),
            'a.png': picture(),
        },
    ),
    'VIA, a circle and an ellipse': Row(
        'VIA',
        {
            'via.json': via(
                dict(name='circle', cx=15, cy=15, r=8),
                dict(name='ellipse', cx=40, cy=20, rx=10, ry=6, theta=0.0),
            ),
            'a.png': picture(),
        },
        {'a.png': disc(15, 15, 8, 8) | disc(40, 20, 10, 6)},
    ),
    'VIA, boxes that are ticked, the same in two files': Row(
        'VIA',
        {
            'one.json': via(via_polygon(ONE), attributes=dict(kind=dict(leaf=True, pot=False))),
            'two.json': via(via_polygon(ONE), attributes=dict(kind=dict(leaf=True, pot=False))),
            'a.png': picture(),
        },
    ),
    'CVAT, a polygon': Row(
        'CVAT',
        {'annotations.xml': cvat(cvat_polygon(ONE)), 'images/a.png': picture()},
        {'images/a.png': filled(ONE)},
    ),
    'CVAT, a box': Row(
        'CVAT',
        {
            'annotations.xml': cvat('<box label="leaf" xtl="8" ytl="6" xbr="23" ybr="19"/>'),
            'a.png': picture(),
        },
    ),
    'CVAT, a box that is turned': Row(
        'CVAT',
        {
            'annotations.xml': cvat(
                '<box label="leaf" xtl="9" ytl="5" xbr="22" ybr="20" rotation="90"/>'
            ),
            'a.png': picture(),
        },
    ),
    'CVAT, a mask': Row(
        'CVAT',
        {
            'annotations.xml': cvat(
                '<mask label="leaf" left="8" top="6" width="16" height="14" rle="0, 224"/>'
            ),
            'a.png': picture(),
        },
    ),
    'CVAT, an ellipse': Row(
        'CVAT',
        {
            'annotations.xml': cvat(
                '<ellipse label="leaf" cx="30" cy="20" rx="5" ry="12" rotation="90"/>'
            ),
            'a.png': picture(),
        },
        {'a.png': disc(30, 20, 12, 5)},
    ),
    'CVAT, what lies above': Row(
        'CVAT',
        {
            'annotations.xml': cvat(
                cvat_polygon((10, 8, 12, 10), 'background', z=2), cvat_polygon(ONE, z=1)
            ),
            'a.png': picture(),
        },
        {'a.png': filled(ONE) - filled((10, 8, 12, 10))},
    ),
    'CVAT, masks in colours': Row(
        'CVAT',
        {
            'labelmap.txt': LABELMAP,
            'SegmentationClass/a.png': png(COLOURS),
            'SegmentationObject/a.png': png(COLOURS),
            'JPEGImages/a.png': picture(),
        },
        {'JPEGImages/a.png': filled(TWO)},
        Answers(foreground=('pot',)),
    ),
    'YOLO, splits as folders': Row(
        'YOLO',
        {
            'data.yaml': 'train: ../train/images\nval: ../valid/images\nnames: [leaf]\n',
            'train/images/a.png': picture(),
            'train/labels/a.txt': yolo(ONE),
            'valid/images/a.png': picture(),
            'valid/labels/a.txt': '',
        },
        {'train/images/a.png': filled(ONE), 'valid/images/a.png': filled()},
        splits=SPLITS,
        note="1 annotated images have no object: their masks are empty: 'valid/images/a.png'",
    ),
    'YOLO, folders that say nothing': Row(
        'YOLO',
        {
            'data.yaml': 'train: images/one\nval: two.txt\nnames:\n  0: pot\n  3: leaf\n',
            'two.txt': './images/two/b.png\n',
            'images/one/a.png': picture(),
            'images/two/b.png': picture(),
            'labels/one/a.txt': yolo(ONE, 3) + yolo(TWO, 0),
            'labels/two/b.txt': yolo(TWO, 3),
        },
        {'images/one/a.png': filled(ONE), 'images/two/b.png': filled(TWO)},
        LEAF,
        {'images/one/a.png': 'train', 'images/two/b.png': 'val'},
    ),
    'YOLO, names with points in them': Row(
        'YOLO',
        {
            'labels/a_jpg.rf.9c.txt': yolo(ONE),
            'images/a_jpg.rf.9c.png': picture(),
            'masks/a_jpg.rf.9c.png': picture('L'),
        },
        {'images/a_jpg.rf.9c.png': filled(ONE)},
    ),
    'YOLO, a YAML whose names would be a text without end': Row(
        'YOLO',
        {
            'data.yaml': 'x0: &x0 [a, a]\n'
            + ''.join(f'x{n}: &x{n} [*x{n - 1}, *x{n - 1}]\n' for n in range(1, 40))
            + 'names: [*x39]\n',
            'a.txt': yolo(ONE),
            'a.png': picture(),
        },
    ),
    'YOLO, lists of another machine': Row(
        'YOLO',
        {
            'data.yaml': 'path: .\ntrain: train.txt\nnames:\n  0: leaf\n',
            'train.txt': 'data/images/train/a.png\n',
            'images/train/a.png': picture(),
            'labels/train/a.txt': yolo(ONE),
        },
        {'images/train/a.png': filled(ONE)},
        splits={'images/train/a.png': 'train'},
    ),
    'YOLO, texts beside images, without names': Row(
        'YOLO',
        {'a.txt': yolo(ONE), 'a.png': picture(), 'b.png': picture(), 'readme.txt': 'Leaves.'},
        note="1 images have no entry and are left out, as nobody has annotated them: 'b.png'",
    ),
}


@pytest.mark.parametrize('row', ROWS.values(), ids=ROWS)
def test_masks_of_annotations(row: Row, tmp_path: Path) -> None:
    put(tmp_path, row.files)
    found = read_annotated(tmp_path, row.answers)
    assert found is not None
    assert found.format == row.format
    assert found.images == [tmp_path / name for name in row.right]
    for name, right in row.right.items():
        mask = found.mask(tmp_path / name)
        assert mask.dtype == np.uint8
        assert np.array_equal(mask, right)
    assert found.splits == {tmp_path / name: split for name, split in row.splits.items()}
    assert row.note in '\n'.join(found.notes)
    assert [name for name in row.right if name not in row.files] == [
        path.name for path in found.embedded
    ]
    for image in found.embedded:
        assert found.image_bytes(image) == picture()


TWO_KINDS = coco(
    [flat(ONE)], dict(segmentation=[flat(TWO)], category_id=1), categories=('leaf', 'pot', 'root')
)


@pytest.mark.parametrize(
    ('files', 'seen', 'options'),
    [
        (
            {'i.json': TWO_KINDS},
            'objects of 2 categories, leaf (1), pot (1)',
            ['--foreground leaf', '--foreground pot', '--foreground leaf pot'],
        ),
        (
            {
                'i.json': coco(
                    [flat(ONE)],
                    *(dict(segmentation=[flat(TWO)], category_id=n) for n in (1, 2)),
                    categories=('leaf', 'flower pot', 'root'),
                )
                | dict(
                    categories=[
                        dict(id=0, name='leaf', supercategory='plant'),
                        dict(id=1, name='flower pot', supercategory='thing'),
                        dict(id=2, name='root', supercategory='plant'),
                    ]
                )
            },
            'objects of 3 categories',
            [
                "--foreground 'flower pot'",
                '--foreground leaf',
                '--foreground root',
                '--foreground plant',
                "--foreground 'flower pot' leaf root",
            ],
        ),
        (
            {'a.txt': yolo(ONE) + yolo(TWO, 1)},
            'objects of 2 categories, 0 (1), 1 (1)',
            ['--foreground 0', '--foreground 1', '--foreground 0 1'],
        ),
    ],
)
def test_several_categories_are_a_question(
    files: dict[str, Content], seen: str, options: list[str], tmp_path: Path
) -> None:
    put(tmp_path, files | {'a.png': picture()})
    with pytest.raises(QuestionError) as asked:
        read_annotated(tmp_path)
    assert seen in asked.value.text
    assert [*asked.value.answers] == options


@pytest.mark.parametrize(
    'files',
    [
        {'a_mask.png': picture('L')},
        {'package.json': dict(name='leaf'), 'list.json': [1, 2], 'damaged.json': '{'},
        {'a.xml': '<annotation><object><name>leaf</name></object></annotation>'},
        {'a.txt': 'A leaf.', 'train.txt': 'a', 'readme.txt': '1 2 3 4 5'},
        {'labelmap.txt': 'leaf\npot\n'},
    ],
)
def test_folders_without_annotations(files: dict[str, Content], tmp_path: Path) -> None:
    put(tmp_path, {'a.png': picture()} | files)
    assert read_annotated(tmp_path) is None


def test_faults_are_said_at_once(tmp_path: Path) -> None:
    data = coco([[1, 2, 3]], [flat((0, 0, 9, 999))], dict(segmentation=[flat(ONE)], image_id=7))
    put(tmp_path, {'i.json': data, 'a.png': picture()})
    with pytest.raises(ValueError) as refusal:
        read_annotated(tmp_path)
    first, *lines = str(refusal.value).split('\n')
    assert first == '3 faults in annotations:'
    assert 'i.json: annotation 1: polygon: 3 numbers are no pairs of x and y' in lines[0]
    assert 'i.json: annotation 3: there is no image with the id 7' in lines[1]
    assert 'the point 9, 999 is far outside of 60 x 40 pixels' in lines[2]
