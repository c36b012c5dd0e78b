"""Folders as people leave them: the right pairs, or a question; never wrong pairs in silence."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from custom_modules.base.errors import UserError
from custom_modules.preparation.answers import Answers
from custom_modules.preparation.files import list_folder, pictures_of
from custom_modules.preparation.question import QuestionError
from custom_modules.preparation.roles import find_pairs

N = range(6)


@dataclass(frozen=True)
class Layout:
    """Names of a folder.

    Attributes:
        name: what is awkward.
        pairs: image -> mask or masks of it.
        photos: further files that look like photographs, and belong to no mask.
        masks: further files that look like masks, and belong to no image.
        asks: part of the question or message, where the folder is not read.
        answers: what the user says.
    """

    name: str
    pairs: Mapping[str, str | tuple[str, ...]]
    photos: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    asks: str = ''
    answers: Answers = Answers()  # noqa: RUF009  (it is frozen)


def named(image: str, *masks: str, of: range = N) -> dict[str, tuple[str, ...]]:
    """Return pairs whose names are made of a number."""
    return {image.format(n=n): tuple(mask.format(n=n) for mask in masks) for n in of}


ANIMALS = ('cat', 'cow', 'dog', 'catfish', 'cow_2')

LAYOUTS = [
    Layout('equal stems', named('images/{n}.jpg', 'masks/{n}.png')),
    Layout('upper-case endings', named('images/{n}.JPG', 'masks/{n}.PNG')),
    Layout('stems that differ in case', named('images/IMG_{n}.JPG', 'masks/img_{n}.png')),
    Layout('folders of any name', named('beach/{n}.jpg', 'drawn/{n}.png')),
    Layout('folders of any name, deeper', named('a/b/s{n}/1.png', 'c/d/s{n}/1.png')),
    Layout('a suffix', named('imgs/{n:04}.jpg', 'masks/{n:04}_mask.png')),
    Layout('an unknown suffix', named('photo/{n}.jpg', 'masks/{n}_by_anna.png')),
    Layout('an unknown suffix in one folder', named('x/p{n}.jpg', 'x/p{n}_anna.png')),
    Layout('a prefix', named('image_{n:03}.png', 'mask_{n:03}.png')),
    Layout('a prefix in two folders', named('in/img{n}.png', 'ref/label{n}.png')),
    Layout('two endings of one stem', named('all/{n}.jpg', 'all/{n}.png')),
    Layout('sat and mask', named('{n}1_sat.jpg', '{n}1_mask.png')),
    Layout('DRIVE', named('images/2{n}_training.tif', '1st_manual/2{n}_manual1.gif')),
    Layout(
        'DRIVE, both halves',
        named('training/images/2{n}_training.tif', 'training/1st_manual/2{n}_manual1.gif')
        | named('test/images/0{n}_test.tif', 'test/1st_manual/0{n}_manual1.gif'),
    ),
    Layout(
        'DRIVE with the fields of view',
        named('images/2{n}_training.tif', '1st_manual/2{n}_manual1.gif'),
        masks=tuple(f'mask/2{n}_training_mask.gif' for n in N),
        asks="--masks '1st_manual'",
    ),
    Layout(
        'DRIVE with the fields of view, answered',
        named('images/2{n}_training.tif', '1st_manual/2{n}_manual1.gif'),
        masks=tuple(f'mask/2{n}_training_mask.gif' for n in N),
        answers=Answers(masks='1st_manual'),
    ),
    Layout(
        'two people drew',
        named('images/{n}.tif', 'manual_1/{n}.gif'),
        masks=tuple(f'manual_2/{n}.gif' for n in N),
        asks='--masks',
    ),
    Layout(
        'parallel trees',
        named('train/img/{n}.jpg', 'train/gt/{n}.png', of=range(4))
        | named('val/img/{n}.jpg', 'val/gt/{n}.png', of=range(4)),
    ),
    Layout(
        'splits below',
        named('images/train/{n}.jpg', 'masks/train/{n}.png', of=range(4))
        | named('images/test/{n}.jpg', 'masks/test/{n}.png', of=range(4)),
    ),
    Layout('Carvana', named('train/ab{n}_01.jpg', 'train_masks/ab{n}_01_mask.gif')),
    Layout(
        'CamVid',
        named('train/x{n}.png', 'trainannot/x{n}.png', of=range(4))
        | named('test/x{n}.png', 'testannot/x{n}.png', of=range(4)),
    ),
    Layout(
        'ISIC',
        named(
            'ISIC2018_Task1-2_Training_Input/ISIC_{n:07}.jpg',
            'ISIC2018_Task1_Training_GroundTruth/ISIC_{n:07}_segmentation.png',
            of=range(4),
        )
        | named(
            'ISIC2018_Task1-2_Test_Input/ISIC_{n:07}.jpg',
            'ISIC2018_Task1_Test_GroundTruth/ISIC_{n:07}_segmentation.png',
            of=range(4),
        ),
    ),
    Layout(
        'DUTS',
        named('DUTS-TR/DUTS-TR-Image/{n}.jpg', 'DUTS-TR/DUTS-TR-Mask/{n}.png', of=range(4))
        | named('DUTS-TE/DUTS-TE-Image/{n}.jpg', 'DUTS-TE/DUTS-TE-Mask/{n}.png', of=range(4)),
    ),
    Layout(
        'PraNet',
        named('TrainDataset/image/{n}.png', 'TrainDataset/mask/{n}.png')
        | named('TestDataset/CVC-300/images/{n}.png', 'TestDataset/CVC-300/masks/{n}.png')
        | named('TestDataset/Kvasir/images/{n}.png', 'TestDataset/Kvasir/masks/{n}.png'),
    ),
    Layout(
        'Cityscapes',
        named('leftImg8bit/ulm/{n}_leftImg8bit.png', 'gtFine/ulm/{n}_gtFine_labelIds.png'),
        masks=tuple(f'gtFine/ulm/{n}_gtFine_color.png' for n in N),
        asks="--masks '*_gtfine_color.png'",
    ),
    Layout(
        'Cityscapes, answered',
        named('leftImg8bit/ulm/{n}_leftImg8bit.png', 'gtFine/ulm/{n}_gtFine_labelIds.png'),
        masks=tuple(f'gtFine/ulm/{n}_gtFine_color.png' for n in N),
        answers=Answers(masks='*_labelIds.png'),
    ),
    Layout(
        'CHASE',
        named('Image_0{n}L.jpg', 'Image_0{n}L_1stHO.png')
        | named('Image_0{n}R.jpg', 'Image_0{n}R_1stHO.png'),
    ),
    Layout(
        'CHASE, two observers',
        named('Image_0{n}L.jpg', 'Image_0{n}L_1stHO.png'),
        masks=tuple(f'Image_0{n}L_2ndHO.png' for n in N),
        asks="--masks '*_2ndho.png'",
    ),
    Layout('STARE', named('im000{n}.bmp', 'im000{n}.ah.bmp')),
    Layout(
        'HRF',
        named('images/0{n}_dr.JPG', 'manual1/0{n}_dr.tif'),
        masks=tuple(f'mask/0{n}_dr_mask.tif' for n in N),
        asks="--masks 'manual1'",
    ),
    Layout(
        'Supervisely',
        named('ds/img/{n}.jpg', 'ds/masks_machine/{n}.png'),
        masks=tuple(f'ds/masks_human/{n}.png' for n in N),
        asks="--masks 'masks_human'",
    ),
    Layout(
        'Kaggle bowl',
        named(
            'stage1_train/ab{n}/images/ab{n}.png',
            'stage1_train/ab{n}/masks/x1.png',
            'stage1_train/ab{n}/masks/y2.png',
        ),
    ),
    Layout('nnU-Net', named('imagesTr/c_{n:03}_0000.png', 'labelsTr/c_{n:03}.png')),
    Layout('Pascal VOC', named('JPEGImages/2007_{n:06}.jpg', 'SegmentationClass/2007_{n:06}.png')),
    Layout(
        'Pascal VOC with objects',
        named('JPEGImages/2007_{n:06}.jpg', 'SegmentationClass/2007_{n:06}.png'),
        masks=tuple(f'SegmentationObject/2007_{n:06}.png' for n in N),
        asks="--masks 'SegmentationObject'",
    ),
    Layout('a mask called after its image', named('img/{n}.jpg', 'ann/{n}.jpg.png')),
    Layout('a folder for each image', named('{n}/images/{n}.png', '{n}/masks/{n}.png')),
    Layout(
        'a folder for each image and its objects',
        named('{n}/images/{n}.png', '{n}/masks/k7.png', '{n}/masks/q2.png'),
    ),
    Layout('a folder for each image, one name', named('case{n}/image.png', 'case{n}/mask.png')),
    Layout(
        'a folder for the objects of an image',
        named('images/{n}x.png', 'masks/{n}x/0.png', 'masks/{n}x/1.png'),
    ),
    Layout(
        'BUSI',
        named('benign ({n}).png', 'benign ({n})_mask.png')
        | {'benign (9).png': ('benign (9)_mask.png', 'benign (9)_mask_1.png')},
    ),
    Layout('patients', {f'images/p{p}/{n}.png': f'masks/p{p}/{n}.png' for p in N for n in (1, 2)}),
    Layout(
        'patients in the names of masks alone',
        {f'images/p{p}/{n}.png': f'masks/p{p}_{n}.png' for p in N for n in (1, 2)},
    ),
    Layout(
        'patients whose masks do not say which',
        {f'images/p{p}/{p}.png': f'masks/{p}.png' for p in N},
    ),
    Layout('words without numbers', {f'{a}.jpg': f'{a}_mask.png' for a in ANIMALS}),
    Layout('words, unknown folders', {f'u/{a}.jpg': f'v/{a}.png' for a in ANIMALS}),
    Layout('numbers with other zeros', named('images/{n}.jpg', 'masks/{n:05}.png')),
    Layout('a number in common', named('images/IMG_77{n}.jpg', 'masks/annot 77{n} final.png')),
    Layout(
        'umlauts stored in two ways',
        {f'images/b\u00e4r{n}.jpg': f'masks/ba\u0308r{n}.png' for n in N},
    ),
    Layout(
        'a few without a mask',
        named('images/{n}.jpg', 'masks/{n}.png'),
        photos=('images/x.jpg', 'images/y.jpg'),
    ),
    Layout(
        'a mask without an image',
        named('images/a{n}.jpg', 'masks/a{n}.png'),
        masks=('masks/b7.png',),
    ),
    Layout(
        'thumbnails beside',
        named('images/{n}.jpg', 'masks/{n}.png'),
        photos=tuple(f'images/thumbs/{n}.jpg' for n in N),
    ),
    Layout(
        'overlays beside',
        named('images/{n}.jpg', 'masks/{n}.png'),
        photos=tuple(f'overlays/{n}.jpg' for n in N),
    ),
    Layout(
        'hidden files',
        named('images/{n}.jpg', 'masks/{n}.png'),
        photos=('images/.0.jpg', '__MACOSX/images/._0.jpg', 'images/Thumbs.db'),
    ),
    Layout('everything in a folder called images', named('images/a/{n}.jpg', 'images/b/{n}.png')),
    # What must not be guessed.
    Layout(
        'numbers shifted by one',
        {},
        tuple(f'images/{n}.jpg' for n in N),
        tuple(f'masks/{n + 1}.png' for n in N),
        "--images 'images' --masks 'masks'",
    ),
    Layout(
        'numbers shifted by one, with words',
        {},
        tuple(f'img_{n}.jpg' for n in N),
        tuple(f'mask_{n + 1}.png' for n in N),
        "--images 'img_*.jpg' --masks 'mask_*.png'",
    ),
    Layout(
        'no name in common',
        {},
        tuple(f'images/DSC_{n + 40}.jpg' for n in N),
        tuple(f'masks/drawing {n}.png' for n in N),
        'fits',
    ),
    Layout(
        'two numbers in common',
        {},
        tuple(f'images/a{n}_b{5 - n}.jpg' for n in N),
        tuple(f'masks/{n}_draft.png' for n in N),
        'several',
    ),
    Layout(
        'numbers the other way round',
        {},
        tuple(f'images/{n}_{5 - n}.jpg' for n in N),
        tuple(f'masks/{n + 1}_{5 - n}_x.png' for n in N),
        'rename',
    ),
    Layout(
        'the masks of another patient',
        {},
        tuple(f'images/p1_{n}.jpg' for n in N),
        tuple(f'masks/p2_{n}.png' for n in N),
        'rename',
    ),
    Layout(
        'the masks of another patient, in folders',
        {},
        tuple(f'images/p1/{n}.jpg' for n in N),
        tuple(f'masks/p2/{n}.png' for n in N),
        'rename',
    ),
    Layout(
        'the masks of another split',
        {},
        tuple(f'images/train/{n}.jpg' for n in N),
        tuple(f'masks/test/{n}.png' for n in N),
        'rename',
    ),
    Layout(
        'flat masks of equal stems',
        {},
        tuple(f'images/{p}/{n}.jpg' for p in 'ab' for n in N),
        tuple(f'masks/{n}.png' for n in N),
        'rename',
    ),
    Layout(
        'two kinds of images',
        {},
        tuple(f'{f}/{n}.jpg' for f in ('raw', 'rgb') for n in N),
        tuple(f'masks/{n}.png' for n in N),
        "--images 'raw'",
    ),
    Layout(
        'two images of one stem',
        {},
        tuple(f'images/{n}.{e}' for e in ('jpg', 'bmp') for n in N),
        tuple(f'masks/{n}.png' for n in N),
        'several ways',
    ),
    Layout('nothing but photographs', {}, tuple(f'a/{n}.jpg' for n in N), (), 'no masks'),
    Layout('nothing but masks', {}, (), tuple(f'masks/{n}.png' for n in N), 'without images'),
    Layout(
        'two folders of photographs',
        {},
        tuple(f'{f}/{n}.jpg' for f in ('a', 'b') for n in N),
        (),
        "--masks 'a'",
    ),
    Layout(
        'names and contents say the opposite',
        {},
        tuple(f'masks/{n}.png' for n in N),
        tuple(f'images/{n}.png' for n in N),
        '--masks',
    ),
]


def write(folder: Path, layout: Layout) -> None:
    """Write pictures that can be told apart: noise, and a white square on black."""
    for number, (image, masks) in enumerate(layout.pairs.items()):
        photograph(folder / image, number)
        for object_number, mask in enumerate((masks,) if isinstance(masks, str) else masks):
            drawing(folder / mask, object_number)
    for number, path in enumerate(layout.photos):
        photograph(folder / path, number + 100)
    for path in layout.masks:
        drawing(folder / path, 0)


def photograph(path: Path, seed: int) -> None:
    picture(path, np.random.RandomState(seed).randint(0, 255, (12, 12, 3), np.uint8))


def drawing(path: Path, number: int) -> None:
    mask = np.zeros((12, 12), np.uint8)
    mask[2:6, 6 * number : 6 * number + 5] = 255
    picture(path, mask)


def picture(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    ending = path.suffix.lower()
    _, data = cv2.imencode('.png' if ending in ('.gif', '.db') else ending, pixels)
    path.write_bytes(data.tobytes())


@pytest.mark.parametrize('layout', LAYOUTS, ids=lambda layout: layout.name)
def test_layout(layout: Layout, tmp_path: Path) -> None:
    write(tmp_path, layout)
    pictures = pictures_of(list_folder(tmp_path))
    if layout.asks:
        with pytest.raises(UserError) as raised:
            find_pairs(tmp_path, pictures, layout.answers)
        assert layout.asks in str(raised.value)
        assert isinstance(raised.value, QuestionError) == ('--' in layout.asks)
        return
    found, _ = find_pairs(tmp_path, pictures, layout.answers)
    assert {
        str(i.path): sorted(str(m.path) for m in masks) for i, masks in found.pairs.items()
    } == {
        image: sorted([masks] if isinstance(masks, str) else masks)
        for image, masks in layout.pairs.items()
    }


def test_there_are_many_layouts() -> None:
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS) >= 50
