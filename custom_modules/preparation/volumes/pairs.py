"""A folder of volumes becomes a folder of slices: images, and masks beside them."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ...base.errors import UserError
from ...base.paths import make_writable
from ...base.progress import ProgressBar
from ...base.whole_file import staging_folder
from ..answers import Answers
from ..files import Picture, list_folder, pictures_of
from ..roles import find_pairs
from .slices import GROUP_BY, VolumeFile, find_volumes, write_slices

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Pair:
    """An image volume with its mask volume, and the name of their slices."""

    image: VolumeFile
    mask: VolumeFile
    split: str
    name: str


def volumes_of(folder: Path) -> list[VolumeFile]:
    """Return the volumes below a folder; none where it holds pictures, or more of them.

    A TIFF of several pages among pictures is one whose fault is to be said.

    Raises:
        UserError: the folder cannot be read, or a package that its files need is missing.
    """
    files = list_folder(folder)
    found = find_volumes(folder, [folder / path for path in files])
    of_pages = [volume for volume in found if volume.kind == 'TIFF']
    pictures = len(pictures_of(files)) - len(of_pages)
    return [] if len(of_pages) == len(found) and pictures > len(found) else found


def of_slices(answers: Answers) -> Answers:
    """Return what the user has said, for the folder of slices instead of that of volumes."""
    return replace(answers, images=None, masks=None, group_by=answers.group_by or GROUP_BY)


def write_slices_of(volumes: Sequence[VolumeFile], out: Path, answers: Answers, say: Say) -> None:
    """Write the slices of image and mask volumes into ``out``, as ``images`` and ``masks``.

    Volumes pair by their names, as pictures do; where names say nothing, by what their slices look
    like. ``out`` is replaced, and appears whole or not at all.

    Args:
        volumes: image and mask volumes of one folder.
        out: folder for the slices.
        answers: what the user says about the folder.
        say: function that is given each line about what was found.

    Raises:
        QuestionError: the volumes can be paired in several ways.
        UserError: a volume cannot be read or has no partner of its size, a package is missing, or
            the disk is full.
    """
    _refuse_equal_names(volumes)
    pairs = _pairs(volumes, answers)
    chosen = answers.plane or pairs[0].image.read().coarsest_plane()
    kinds = ' and '.join(sorted({volume.kind for volume in volumes}))
    say(
        f'{len(volumes):,} volumes ({kinds}), {len(pairs):,} with a mask, such as '
        f'{str(pairs[0].image.name)!r} with {str(pairs[0].mask.name)!r}; they become {chosen} '
        'slices (another plane: --plane), of which those of a volume stay in one split'
    )
    make_writable(out.parent, '--root')
    with staging_folder(out) as staging, ProgressBar('writing slices', len(pairs)) as bar:
        number = 0
        for pair in pairs:
            image, mask = pair.image.read(), pair.mask.read()
            if image.values.shape[:3] != mask.values.shape[:3]:
                shapes = ['x'.join(map(str, one.values.shape)) for one in (image, mask)]
                raise UserError(
                    f'{pair.mask.files[0]}: the mask has {shapes[1]} voxels, its image '
                    f'{shapes[0]}; export both at one size'
                )
            if (image.spacing is None) != (mask.spacing is None):
                raise UserError(
                    f'{pair.mask.files[0]}: the mask and its image ({pair.image.files[0].name}) do '
                    'not both tell how they lie in the patient; save both as NIfTI'
                )
            slices = image.slices(chosen)
            write_slices(slices, staging / 'images' / pair.split, pair.name)
            write_slices(mask.slices(chosen), staging / 'masks' / pair.split, pair.name)
            number += len(slices)
            bar.advance()
        shutil.rmtree(out, ignore_errors=True)
        staging.rename(out)
        staging.mkdir()  # which the context takes away
    say(f'{number:,} slices of {len(pairs):,} volumes are in {out}')


def _pairs(volumes: Sequence[VolumeFile], answers: Answers) -> list[_Pair]:
    """Pair volumes by pictures of them, which have their names."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pictures: dict[PurePosixPath, VolumeFile] = {}
        with ProgressBar('looking at volumes', len(volumes)) as bar:
            for volume in volumes:
                slices = volume.read().slices(answers.plane)
                spread = [float(one.max()) - float(one.min()) for one in slices]
                shown = spread.index(max(spread))  # a mask's first slices are mostly empty
                write_slices(slices[shown : shown + 1], folder / volume.name.parent, 'one')
                path = volume.name.with_name(f'{volume.name.name}.tif')
                (folder / volume.name.parent / 'one_slice0001.tif').rename(folder / path)
                pictures[PurePosixPath(path.as_posix())] = volume
                bar.advance()
        pairing, _ = find_pairs(folder, pictures_of(list(pictures)), answers)
    return _named(pairing.pairs, pictures)


def _named(
    pairs: Mapping[Picture, Sequence[Picture]], pictures: Mapping[PurePosixPath, VolumeFile]
) -> list[_Pair]:
    found = []
    for image, masks in sorted(pairs.items(), key=lambda pair: pair[0].path.parts):
        if len(masks) > 1:
            raise UserError(
                f'{image.path}: {len(masks)} mask volumes, such as {masks[0].path}; say with '
                '--masks which one is to be taken'
            )
        split = image.split or masks[0].split or ''
        shared = [part for part in image.folders if part in masks[0].folders]
        name = '_'.join((*shared, image.stem))
        found.append(_Pair(pictures[image.path], pictures[masks[0].path], split, name))
    return found


def _refuse_equal_names(volumes: Sequence[VolumeFile]) -> None:
    seen: set[Path] = set()
    for volume in volumes:
        if volume.name in seen:
            raise UserError(f'{volume.name}: two volumes have this name; rename one of them')
        seen.add(volume.name)
