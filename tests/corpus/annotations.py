"""Annotation files that were damaged, or written to do harm."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.annotated import (
    ONE,
    Content,
    coco,
    cvat,
    cvat_polygon,
    flat,
    labelme,
    picture,
    png,
    points,
    put,
    read_annotated,
    via,
    via_polygon,
    yolo,
)

from .case import Case
from .images import bomb

SHAPE = dict(points=points(ONE))
ENTITIES = '<!DOCTYPE a [<!ENTITY x "leaf"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">]>'
FILE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
MASK = dict(shape_type='mask', points=[[8, 6], [23, 19]])


def runs(counts: object, size: object = (40, 60)) -> dict:
    return coco(dict(segmentation=dict(size=size, counts=counts)))


REFUSED: dict[str, tuple[dict[str, Content], str]] = {
    'COCO cut short': ({'i.json': json.dumps(coco([flat(ONE)]))[:-9]}, 'cannot be read'),
    'COCO with NaN': (
        {'i.json': json.dumps(coco([[0, 0, 9, 9, 0, float('nan')]]))},
        'NaN is no number',
    ),
    'COCO, numbers in words': ({'i.json': coco([['0', 0, 9, 0, 9, 9]])}, 'more than numbers'),
    'COCO, a coordinate of 1e9': ({'i.json': coco([[0, 0, 1e9, 0, 9, 9]])}, '1,000,000 pixels'),
    'COCO, a point far outside': ({'i.json': coco([[0, 0, 900, 0, 9, 9]])}, '900, 0 is far'),
    'COCO, an odd number': ({'i.json': coco([[0, 0, 9, 0, 9, 9, 1]])}, 'no pairs of x and y'),
    'COCO, a box without an outline': (
        {'i.json': coco(dict(segmentation=[], bbox=[8, 6, 15, 13]))},
        '1 of 1 objects are boxes without an outline',
    ),
    'COCO, another size than the image': (
        {'i.json': coco([flat(ONE)]), 'a.png': picture(size=(30, 20))},
        'annotated at 60 x 40 pixels, the image has 30 x 20',
    ),
    'COCO, run lengths too long': ({'i.json': runs([0, 10**6])}, 'do not add up to 60 x 40'),
    'COCO, run lengths too short': ({'i.json': runs([0, 3])}, 'do not add up to 60 x 40'),
    'COCO, negative run lengths': ({'i.json': runs([2403, -3])}, 'do not add up to 60 x 40'),
    'COCO, run lengths of rubbish': ({'i.json': runs('~~~~~~~')}, 'no text of pycocotools'),
    'COCO, run lengths of another size': (
        {'i.json': runs([0, 50 * 60], (50, 60))},
        'run lengths for 60 x 50 pixels, its image has 60 x 40',
    ),
    'COCO, run lengths of a size without end': (
        {'i.json': runs([0, 1], (2**40, 2**40))},
        'a size of',
    ),
    'COCO, an image that is not there': (
        {'i.json': coco([flat(ONE)], images=('gone.png',))},
        'none of the 1 images that COCO annotations name is there',
    ),
    'COCO, a path out of the folder': (
        {'i.json': coco([flat(ONE)], images=('../../../etc/passwd',))},
        'none of the 1 images',
    ),
    'COCO, an image with two ids': (
        {'i.json': coco(dict(segmentation=[flat(ONE)]), images=('a.png', './a.png'))},
        'a.png is annotated in another way',
    ),
    'COCO, one name in two folders': (
        {'i.json': coco([flat(ONE)]), 'b/a.png': picture(), 'a.png': None, 'c/a.png': picture()},
        "'a.png' can be 'b/a.png', 'c/a.png'",
    ),
    'COCO, texts in the place of dicts': (
        {'i.json': dict(images=['a.png'], annotations=[], categories=[])},
        'is not as the format has it',
    ),
    'COCO without an object': ({'i.json': coco()}, 'no object in any image'),
    'labelme, a polygon of two points': (
        {'a.json': labelme(dict(points=[[1, 1], [5, 5]]))},
        'a polygon of 2 points',
    ),
    'labelme, an unknown shape': (
        {'a.json': labelme(SHAPE | dict(shape_type='spline'))},
        'a spline of 4 points',
    ),
    'labelme, a shape without a label': (
        {'a.json': labelme(SHAPE | dict(label=''))},
        "label is '', no name",
    ),
    'labelme, a mask that is no base64': (
        {'a.json': labelme(MASK | dict(mask='???'))},
        'no picture in base64',
    ),
    'labelme, a mask that leaves the image': (
        {
            'a.json': labelme(
                MASK
                | dict(mask=base64.b64encode(picture('1')).decode(), points=[[30, 6], [89, 45]])
            )
        },
        'at 30, 6 does not fit into 60 x 40',
    ),
    'labelme, a mask that is a bomb': (
        {'a.json': labelme(MASK | dict(mask=base64.b64encode(bomb()).decode()))},
        'exceeds limit',
    ),
    'labelme, an embedded image of rubbish': (
        {
            'a.json': labelme(SHAPE, name='b.png', imageData=base64.b64encode(b'rubbish').decode()),
            'a.png': None,
        },
        'the image in it cannot be read',
    ),
    'labelme, nested without end': (
        {'a.json': '{"shapes": ' + '[' * 100_000},
        'is nested more than',
    ),
    'VIA, unlike numbers of x and y': (
        {'v.json': via(via_polygon(ONE) | dict(all_points_x=[1, 2, 3]))},
        'a polygon of 3 x and 4 y',
    ),
    'VIA, a circle without a radius': (
        {'v.json': via(dict(name='circle', cx=9, cy=9, r=0))},
        'a circle without a radius',
    ),
    'CVAT, entities that multiply': (
        {'a.xml': cvat(cvat_polygon(ONE), extra=ENTITIES)},
        'has a DOCTYPE, which CVAT does not write',
    ),
    'CVAT, an entity that is a file': (
        {'a.xml': cvat(cvat_polygon(ONE), extra=FILE)},
        'has a DOCTYPE, which CVAT does not write',
    ),
    'CVAT cut short': ({'a.xml': cvat(cvat_polygon(ONE))[:-20]}, 'no XML'),
    'CVAT, tracks of a video': (
        {'a.xml': '<annotations><track id="0" label="leaf"/></annotations>'},
        "export it as 'CVAT for images'",
    ),
    'CVAT, infinite points': (
        {'a.xml': cvat('<polygon label="leaf" points="0,0;9,inf;9,9"/>')},
        'not within 1,000,000 pixels',
    ),
    'CVAT, a mask whose lengths do not add up': (
        {'a.xml': cvat('<mask label="leaf" left="0" top="0" width="9" height="9" rle="0,5"/>')},
        'do not add up to 9 x 9',
    ),
    'CVAT, a colour that has no name': (
        {
            'labelmap.txt': 'leaf:1,2,3::\n',
            'SegmentationClass/a.png': png(np.full((40, 60, 3), 7, np.uint8)),
        },
        'has colours that labelmap.txt does not name: #070707',
    ),
    'YOLO, boxes': (
        {'a.txt': '0 0.5 0.5 0.2 0.2\n', 'data.yaml': 'names: [leaf]\n'},
        '1 of 1 objects are boxes without an outline',
    ),
    'YOLO, boxes among polygons': (
        {'a.txt': yolo(ONE) + '0 0.5 0.5 0.2 0.2\n'},
        '1 of 2 objects are boxes without an outline',
    ),
    'YOLO, pixels': ({'a.txt': '0 8 6 23 6 23 19\n'}, '23 is no part of a side, 0 to 1'),
    'YOLO, an odd number': ({'a.txt': yolo(ONE).rstrip() + ' 0.5\n'}, 'no polygon'),
    'YOLO, a YAML that is damaged': (
        {'a.txt': yolo(ONE), 'data.yaml': 'names: [leaf\n'},
        'data.yaml: cannot be read',
    ),
    'two formats': (
        {'i.json': coco([flat(ONE)]), 'a.json': labelme(SHAPE)},
        'annotations of several formats, labelme (',
    ),
    'the same image twice': (
        {'a.json': labelme(SHAPE), 'b.json': labelme(dict(points=points((1, 1, 5, 5))))},
        'a.png is annotated in another way in',
    ),
}


def _run(files: dict[str, Content]) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        whole = {'a.png': picture()} | files
        put(folder, {name: content for name, content in whole.items() if content is not None})
        return str(read_annotated(folder))

    return run


ANNOTATIONS = [
    Case('annotations', name, _run(files), refused=message)
    for name, (files, message) in REFUSED.items()
]
