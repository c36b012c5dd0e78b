"""Volumes become slices: the right way up, in order, with their own numbers, paired by name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from mmengine.registry import DATASETS

from custom_modules.base.errors import UserError
from custom_modules.commands.prepare_folder import place_of, prepare_folder
from custom_modules.config import load_config
from custom_modules.datasets.transforms.loading import LoadImage, LoadMask
from custom_modules.engine.training_check import check_training
from custom_modules.preparation.answers import Answers
from custom_modules.preparation.looking import Cut
from custom_modules.preparation.volumes.pairs import volumes_of, write_slices_of
from custom_modules.preparation.volumes.volume import Volume

RANDOM = np.random.default_rng(0)

#: Axes of a patient: left, back, top.
SHAPE = (4, 5, 6)


def nifti(path: Path, values: np.ndarray, affine: np.ndarray | None = None) -> None:
    nibabel = pytest.importorskip('nibabel')
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), path)


def dicom(
    path: Path, pixels: np.ndarray, height: float, series: str = '1.2.3', **tags: object
) -> None:
    pytest.importorskip('pydicom')
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.SOPClassUID, found.SOPInstanceUID = CTImageStorage, f'1.2.{int(100 * height + 9000)}'
    found.Modality, found.SeriesInstanceUID, found.SeriesNumber = 'CT', series, 1
    found.Rows, found.Columns = pixels.shape
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, 'MONOCHROME2'
    found.BitsAllocated = found.BitsStored = 16
    found.HighBit, found.PixelRepresentation = 15, 0
    found.RescaleSlope, found.RescaleIntercept = 1, -1024
    found.ImagePositionPatient = [0, 0, height]
    found.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    found.PixelSpacing = [0.5, 0.5]
    for name, value in tags.items():
        setattr(found, name, value)
    found.PixelData = pixels.astype(np.uint16).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    found.save_as(path, enforce_file_format=True)


def written(source: Path, out: Path, **answers: object) -> dict[str, np.ndarray]:
    """Return the slices of a folder by their paths."""
    said: list[str] = []
    write_slices_of(volumes_of(source), out, Answers(**answers), said.append)  # type: ignore[arg-type]
    assert said
    paths = sorted(path for path in out.rglob('*') if path.is_file())
    return {path.relative_to(out).as_posix(): tifffile.imread(path) for path in paths}


@pytest.mark.parametrize(
    ('plane', 'expected'),
    [
        # Of a slice the columns go to the patient's left (or, seen from the side, back), the rows
        # back or down.
        ('axial', lambda v, n: v[:, :, n].T),
        ('coronal', lambda v, n: v[:, n, ::-1].T),
        ('sagittal', lambda v, n: v[n, :, ::-1].T),
    ],
)
def test_planes_by_hand(plane: str, expected: Callable[[np.ndarray, int], np.ndarray]) -> None:
    values = RANDOM.integers(0, 99, SHAPE)
    slices = Volume(values, (1.0, 1.0, 1.0)).slices(plane)
    for number, found in enumerate(slices):
        np.testing.assert_array_equal(found, expected(values, number))
    assert number + 1 == dict(axial=6, coronal=5, sagittal=4)[plane]


@pytest.mark.parametrize(
    ('spacing', 'plane'),
    [((1, 1, 5), 'axial'), ((1, 3, 1), 'coronal'), ((4, 1, 1), 'sagittal'), ((1, 1, 1), 'axial')],
)
def test_the_plane_is_the_one_of_the_coarsest_distance(spacing: tuple, plane: str) -> None:
    assert Volume(np.zeros(SHAPE), spacing).coarsest_plane() == plane


def test_nifti_of_any_orientation_gives_the_same_slices(tmp_path: Path) -> None:
    values = RANDOM.integers(-1000, 1000, SHAPE).astype(np.int16)
    mask = (values > 0).astype(np.float64)
    turned = np.array([[0, -1, 0, 9], [0, 0, 2, 0], [-3, 0, 0, 9], [0, 0, 0, 1]], float)
    # Axes of the file: from the top, from the right, to the front.
    as_stored = values.transpose(2, 0, 1)[::-1, ::-1]
    nifti(tmp_path / 'a/scans/p1.nii.gz', values, np.diag([1.0, 2.0, 3.0, 1.0]))
    nifti(tmp_path / 'a/labels/p1.nii.gz', mask, np.diag([1.0, 2.0, 3.0, 1.0]))
    nifti(tmp_path / 'b/scans/p1.nii', as_stored, turned)
    nifti(tmp_path / 'b/labels/p1.nii', mask.transpose(2, 0, 1)[::-1, ::-1], turned)
    one, other = written(tmp_path / 'a', tmp_path / 'x'), written(tmp_path / 'b', tmp_path / 'y')
    assert [*one] == [*other] and len(one) == 12
    for name, pixels in one.items():
        np.testing.assert_array_equal(pixels, other[name])
        number = int(name[-8:-4]) - 1
        own = mask if name.startswith('masks') else values
        # NIfTI's own axes go to the right and the front.
        np.testing.assert_array_equal(pixels, own[::-1, ::-1, number].T)
    assert one['images/p1_slice0001.tif'].dtype == np.int16


def test_masks_beside_images_pair_by_their_names(tmp_path: Path) -> None:
    for name in ('p1', 'p2'):
        values = RANDOM.integers(0, 999, SHAPE).astype(np.int16)
        nifti(tmp_path / f'a/{name}.nii.gz', values)
        nifti(tmp_path / f'a/{name}_seg.nii.gz', (values > 500).astype(np.uint8))
    found = written(tmp_path / 'a', tmp_path / 'x')
    for name, pixels in found.items():
        if name.startswith('masks'):
            image = found[name.replace('masks', 'images')]
            np.testing.assert_array_equal(pixels, image > 500)
    assert len(found) == 24


def test_modalities_of_a_voxel_are_bands(tmp_path: Path) -> None:
    values = RANDOM.integers(0, 999, (*SHAPE, 4)).astype(np.int16)
    nifti(tmp_path / 'a/images/p1.nii.gz', values)
    nifti(tmp_path / 'a/masks/p1.nii.gz', (values[..., 0] > 500).astype(np.uint8))
    found = written(tmp_path / 'a', tmp_path / 'x')
    np.testing.assert_array_equal(
        found['images/p1_slice0002.tif'], values[::-1, ::-1, 1].transpose(1, 0, 2)
    )


def test_a_dicom_series_is_ordered_by_place_in_hounsfield_units(tmp_path: Path) -> None:
    pixels = RANDOM.integers(0, 2000, (3, 7, 5))
    for name, number in zip(('c', 'a', 'b'), range(3), strict=True):  # names say nothing
        dicom(tmp_path / f'a/images/p1/{name}.dcm', pixels[number], 2.5 * number)
    # A mask as other programs write it: axes to the left, back and top, which its header says.
    mask = (pixels > 1000).transpose(2, 1, 0).astype(np.uint8)
    nifti(tmp_path / 'a/masks/p1.nii.gz', mask, np.diag([-0.5, -0.5, 2.5, 1.0]))
    found = written(tmp_path / 'a', tmp_path / 'x')
    for number in range(3):
        slice_of = f'p1_slice{number + 1:04}.tif'
        np.testing.assert_array_equal(found[f'images/{slice_of}'], pixels[number] - 1024)
        np.testing.assert_array_equal(found[f'masks/{slice_of}'], pixels[number] > 1000)


def test_a_dicom_series_from_the_side_lies_as_its_mask(tmp_path: Path) -> None:
    """Slices to the left, rows to the top's opposite, columns back; files without an ending."""
    pixels = RANDOM.integers(0, 2000, (3, 7, 5))
    for number in range(3):
        place = dict(ImagePositionPatient=[4.0 * number, 0, 0])
        lies = dict(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
        dicom(tmp_path / f'a/images/p1/IM{number}', pixels[number], number, **place, **lies)
    # Right-handed: the normal of these two goes to the patient's right.
    values = pixels.transpose(0, 2, 1)[:, :, ::-1]  # left, back, top
    nifti(
        tmp_path / 'a/masks/p1.nii',
        (values > 1000)[::-1, ::-1].astype(np.uint8),  # right, front, top
        np.diag([4.0, 0.5, 0.5, 1.0]),
    )
    found = written(tmp_path / 'a', tmp_path / 'x')
    for number in range(3):
        slice_of = f'p1_slice{number + 1:04}.tif'
        np.testing.assert_array_equal(found[f'images/{slice_of}'], pixels[number] - 1024)
        np.testing.assert_array_equal(found[f'masks/{slice_of}'], pixels[number] > 1000)


def test_pages_of_a_tiff_are_slices(tmp_path: Path) -> None:
    pages = RANDOM.integers(112, 331, (31, 6, 5)).astype(np.uint16)
    for name, values in (('images', pages), ('masks', (pages > 200).astype(np.uint8))):
        (tmp_path / 'a' / name).mkdir(parents=True)
        tifffile.imwrite(tmp_path / 'a' / name / 'v.tif', values, photometric='minisblack')
    found = written(tmp_path / 'a', tmp_path / 'x')
    assert len(found) == 62
    for number in (0, 30):
        np.testing.assert_array_equal(found[f'images/v_slice{number + 1:04}.tif'], pages[number])
        np.testing.assert_array_equal(
            found[f'masks/v_slice{number + 1:04}.tif'], pages[number] > 200
        )


def test_a_picture_with_smaller_copies_is_no_volume(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / 'a.tif') as file:
        file.write(np.zeros((64, 64), np.uint8))
        file.write(np.zeros((32, 32), np.uint8), subfiletype=1)
    tifffile.imwrite(tmp_path / 'b.tif', np.zeros((8, 8), np.uint8))
    (tmp_path / 'c.tif').write_text('text')
    assert volumes_of(tmp_path) == []


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nifti(tmp_path / 'p1.nii.gz', np.zeros(SHAPE, np.uint8))
    monkeypatch.setitem(__import__('sys').modules, 'nibabel', None)
    with pytest.raises(UserError, match=r'nibabel, which is missing.*requirements-medical\.txt'):
        volumes_of(tmp_path)[0].read()


@pytest.mark.parametrize(
    ('write', 'message'),
    [
        (lambda f: (f / 'p1.nii.gz').write_bytes(b'text'), 'not a readable NIfTI'),
        (lambda f: (f / 'p1.dcm').write_bytes(b'text'), 'not a readable DICOM'),
        (lambda f: nifti(f / 'p1.nii', np.zeros((4, 5), np.uint8)), 'a volume has three'),
        (
            lambda f: nifti(f / 'p1.nii', np.zeros((*SHAPE, 40), np.uint8)),
            'save each point of time as a volume',
        ),
        (lambda f: nifti(f / 'p1.nii', np.zeros(SHAPE, np.complex64)), 'no real numbers'),
        (
            lambda f: dicom(f / 'p1.dcm', np.zeros((4, 4)), 0, SamplesPerPixel=3),
            'holds no grey picture',
        ),
        (
            lambda f: [dicom(f / f'{n}.dcm', np.zeros((4, 4 + n)), n) for n in range(2)],
            'the first slice of its series',
        ),
    ],
)
def test_bad_volumes(write: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(UserError, match=message) as raised:
        for volume in volumes_of(tmp_path):
            volume.read()
    assert '\n' not in str(raised.value)


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    nifti(tmp_path / 'a/images/p1.nii', np.ones(SHAPE, np.int16))
    nifti(tmp_path / 'a/masks/p1.nii', np.ones((4, 5, 5), np.uint8))
    with pytest.raises(UserError, match='the mask has 4x5x5 voxels, its image 4x5x6'):
        written(tmp_path / 'a', tmp_path / 'x')
    assert not (tmp_path / 'x').exists()


def test_a_mask_that_does_not_tell_how_it_lies_is_refused(tmp_path: Path) -> None:
    nifti(tmp_path / 'a/images/p1.nii', np.ones(SHAPE, np.int16))
    (tmp_path / 'a/masks').mkdir()
    pages = np.ones((6, 5, 4), np.uint8)
    tifffile.imwrite(tmp_path / 'a/masks/p1.tif', pages, photometric='minisblack')
    with pytest.raises(UserError, match='do not both tell how they lie'):
        written(tmp_path / 'a', tmp_path / 'x')


def test_from_volumes_to_a_config_that_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All slices of a patient stay in one split, and the network sees Hounsfield units scaled."""
    for module in ('base.paths', 'config.layers', 'preparation.written'):
        monkeypatch.setattr(f'custom_modules.{module}.workspace', lambda: tmp_path / 'space')
    (tmp_path / 'space').mkdir()
    for number in range(4):
        values = RANDOM.integers(-1000, 400, (16, 16, 5)).astype(np.int16)
        values[4:12, 4:12] += 600
        mask = np.zeros(values.shape, np.uint8)
        mask[4:12, 4:12] = 1
        nifti(tmp_path / f'ct/images/p{number}.nii.gz', values)
        nifti(tmp_path / f'ct/labels/p{number}.nii.gz', mask)
    place = place_of(tmp_path / 'ct', tmp_path / 'space/data', None)
    prepare_folder(tmp_path / 'ct', place, Answers(), Cut())
    config = load_config(place.config).resolved
    patients: dict[str, set[str]] = {}
    for split in ('train', 'val', 'test'):
        dataset = DATASETS.build(config[f'{split}_dataloader']['dataset'])
        for index in range(len(dataset)):
            entry = dataset.get_data_info(index)
            patients.setdefault(split, set()).add(Path(entry['img_path']).name[:2])
        seen = LoadImage().transform(entry)['img']
        assert seen.shape == (16, 16, 1) and np.ptp(seen) > 200
        assert LoadMask().transform(entry | LoadImage().transform(entry))['gt_seg_map'].sum() == 64
    assert sorted(len(members) for members in patients.values()) == [1, 1, 2]
    assert len(set().union(*patients.values())) == 4  # none is in two splits
    check_training(config)
