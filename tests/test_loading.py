"""Images and masks from their files into a pipeline."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from custom_modules.base.errors import UserError
from custom_modules.datasets.transforms.loading import LoadImage, LoadMask, PackBinarySegInputs


def load_mask(path: Path, values: np.ndarray, encodings: list[dict]) -> np.ndarray:
    cv2.imwrite(str(path), values)
    results = dict(seg_map_path=str(path), ori_shape=(2, 2), mask_encodings=encodings)
    return LoadMask()(results)['gt_seg_map']


def test_masks_are_read_by_the_first_encoding_that_covers_them(tmp_path: Path) -> None:
    encodings = [{0: 0, 1: 1}, {0: 0, 255: 1}]
    path = tmp_path / 'mask.png'
    for values, wanted in (
        ([[0, 1], [1, 0]], [[0, 1], [1, 0]]),
        ([[0, 255], [255, 0]], [[0, 1], [1, 0]]),
        ([[0, 0], [0, 0]], [[0, 0], [0, 0]]),
    ):
        assert load_mask(path, np.array(values, np.uint8), encodings).tolist() == wanted
    grey_as_rgb = np.repeat(np.array([[[0], [255]], [[255], [0]]], np.uint8), 3, axis=2)
    assert load_mask(path, grey_as_rgb, encodings).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(UserError, match=r'mask\.png: the mask has the values 0, 7; allowed are'):
        load_mask(path, np.array([[0, 7], [7, 0]], np.uint8), encodings)
    with pytest.raises(UserError, match='values 0, 1, 255'):
        load_mask(path, np.array([[0, 1], [255, 0]], np.uint8), encodings)
    with pytest.raises(UserError, match='a colour image, not a mask'):
        load_mask(path, np.array([[[1, 2, 3]] * 2] * 2, np.uint8), encodings)
    with pytest.raises(UserError, match='the mask is 3x2, its image 2x2'):
        load_mask(path, np.zeros((2, 3), np.uint8), encodings)


def test_unreadable_images_name_the_file_and_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / 'pet.jpg'
    for content, message in ((b'', 'empty'), (b'not an image', 'not a readable image')):
        path.write_bytes(content)
        with pytest.raises(UserError, match=rf'pet\.jpg: .*{message}'):
            LoadImage()(dict(img_path=str(path)))
    with pytest.raises(UserError, match='cannot be read'):
        LoadImage()(dict(img_path=str(tmp_path / 'nowhere.jpg')))


def picture(path: Path, orientation: int) -> dict:
    """Write a picture of 2x3 (H, W) stored pixels and a mask drawn on them; return their entry.

    The lower left pixel is white and foreground.
    """
    pixels = np.zeros((2, 3), np.uint8)
    pixels[1, 0] = 255
    mask = Image.fromarray(pixels)
    exif = mask.getexif()
    exif[0x0112] = orientation
    mask.convert('RGB').save(path / 'image.png', exif=exif)
    mask.save(path / 'mask.png')
    names = dict(img_path=str(path / 'image.png'), seg_map_path=str(path / 'mask.png'))
    return names | dict(mask_encodings=[{0: 0, 255: 1}])


@pytest.mark.parametrize('by_another', [False, True])
def test_a_mask_is_turned_with_its_image(tmp_path: Path, by_another: bool) -> None:
    """A quarter turn, of which the mask does not know; also where another step loads the image."""
    results = picture(tmp_path, orientation=6)
    if by_another:
        results |= dict(img=cv2.imread(results['img_path']), ori_shape=(3, 2))
    else:
        results = LoadImage()(results)
        assert results['img_shape'] == results['ori_shape'] == (3, 2)
        assert results['size_changes'] == []
    results = LoadMask()(results)
    assert np.argwhere(results['img'][..., 0]).tolist() == [[0, 0]]
    assert np.argwhere(results['gt_seg_map']).tolist() == [[0, 0]]
    assert results['seg_fields'] == ['gt_seg_map']


def test_a_mask_of_pixels_that_are_in_no_file(tmp_path: Path) -> None:
    results = picture(tmp_path, orientation=6)
    del results['img_path']
    assert LoadMask()(results | dict(ori_shape=(2, 3)))['gt_seg_map'].sum() == 1


@pytest.mark.parametrize('step', [LoadImage(), LoadMask()])
def test_several_pictures_in_a_file_are_taken_where_they_were_published(
    tmp_path: Path, step: Any
) -> None:
    frames = [Image.new('L', (3, 2), grey) for grey in (50, 200)]
    frames[0].save(tmp_path / 'image.png', save_all=True, append_images=frames[1:])
    results = picture(tmp_path / '..' / tmp_path.name, 1) | dict(ori_shape=(2, 3))
    frames[0].save(tmp_path / 'image.gif', save_all=True, append_images=frames[1:])
    results['img_path'] = str(tmp_path / 'image.gif')
    taken = step(results | dict(as_published=True))
    if 'img' in taken:
        assert abs(taken['img'].astype(int) - 50).max() <= 2
    for as_it_is in ({}, dict(as_published=False)):
        with pytest.raises(UserError, match=r'image\.gif: .*pictures'):
            step(results | as_it_is)


def test_an_entry_without_a_mask_says_what_to_do() -> None:
    for entry, named in ((dict(img_path='a.png'), r'a\.png'), ({}, 'an image')):
        with pytest.raises(UserError, match=f'^{named}: its entry names no mask .*predict'):
            LoadMask()(entry)


@pytest.mark.parametrize(
    ('number', 'shown'),
    [(8, '0, 1, 2, 3, 4, 5, 6, 7;'), (9, '0, 1, 2, 3, 4, 5, 6, 7, ...;'), (256, r'6, 7, ...;')],
)
def test_values_that_are_not_allowed_are_shown(number: int, shown: str) -> None:
    values = np.arange(number, dtype=np.uint8)[None]
    with pytest.raises(UserError) as refusal:
        LoadMask._encode(values, [{0: 0, 1: 1}, {0: 0, 255: 1}], 'mask.png')
    assert shown in str(refusal.value)
    assert 'allowed are [0, 1] or [0, 255]; tools/prepare_data.py --from' in str(refusal.value)


def test_what_the_segmentor_gets() -> None:
    image = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    mask = np.array([[0, 1, 255]] * 2, np.uint8)
    more = dict(sample_id='a', ori_shape=(4, 6), not_for_it=1, gt_regions=mask.T[::-1].T)
    packed = PackBinarySegInputs()(dict(img=image, gt_seg_map=mask, **more))
    sample = packed['data_samples']
    assert packed['inputs'].tolist() == image.transpose(2, 0, 1).tolist()
    assert packed['inputs'].is_contiguous()
    assert sample.gt_sem_seg.data.tolist() == [mask.tolist()]
    assert sample.gt_regions.data.tolist() == [[[255, 1, 0]] * 2]
    assert (sample.sample_id, sample.ori_shape) == ('a', (4, 6))
    assert 'not_for_it' not in sample
