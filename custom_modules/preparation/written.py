"""Writing a prepared data set: masks that had to be converted, the table and the config."""

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ..base.errors import UserError
from ..base.paths import make_writable, short_path, workspace
from ..base.picture_file import write_picture
from ..base.whole_file import staging_folder, whole_file
from ..datasets.listed_pairs import PLAIN, sample_ids
from ..datasets.pairs_table import PairRow, write_pairs_table
from .faults import faults_error
from .looking import Found
from .plan import Line

#: What converted masks hold.
CONVERTED = [{0: 0, 255: 1, 127: 255}]

#: Files that are written at the same time.
_THREADS = 2


@dataclass(frozen=True)
class Place:
    """Where a prepared data set is written.

    Attributes:
        name: name of the data set, and of its config.
        root: folder of what is made of data: converted masks and the page.
    """

    name: str
    root: Path

    @property
    def config(self) -> Path:
        """The config."""
        return workspace() / 'configs' / 'mine' / f'{self.name}.py'

    @property
    def table(self) -> Path:
        """The table of pairs, beside the config."""
        return self.config.with_suffix('.csv')

    @property
    def masks(self) -> Path:
        """Folder of converted masks."""
        return self.root / self.name / 'masks'

    @property
    def images(self) -> Path:
        """Folder of images that lie in annotation files."""
        return self.root / self.name / 'images'

    @property
    def slices(self) -> Path:
        """Folder of the slices of volumes."""
        return self.root / self.name / 'slices'

    @property
    def page(self) -> Path:
        """Page that shows some of the pairs."""
        return self.root / self.name / 'pairs.html'


def refuse_other_work(source: Path, place: Place, overwrite: bool) -> None:
    """Keep what somebody may have made or changed.

    Raises:
        UserError: there is a data set of that name, and ``overwrite`` is False; the folder to write
            into is ``source`` or holds it; or it has files that no data set of that name has made.
    """
    own, target = source.resolve(), (place.root / place.name).resolve()
    if own.is_relative_to(target) or target.is_relative_to(own):
        raise UserError(
            f'{place.root / place.name}: would be written into your folder {source}; choose '
            'another place with --root, or another name with --name'
        )
    # Slices are there after a question, and are made anew.
    made = [path for path in (place.masks, place.images) if os.path.lexists(path)]
    there = [path for path in (place.config, place.table) if os.path.lexists(path)]
    if made and not place.table.is_file():
        raise UserError(
            f'{made[0]}: is there, and {short_path(place.table)}, which would say what it is, is '
            'not; choose another place with --root, or move it away'
        )
    if there and not overwrite:
        raise UserError(
            f'{short_path(there[0])}: there is a data set of that name; choose another one with '
            '--name, or replace it with --overwrite'
        )


def write_masks(found: Found, place: Place, progress: Callable[[int], None]) -> list[PairRow]:
    """Write a PNG (0, 255, and 127 for what does not count) of each image's mask.

    Returns:
        The rows with the names of the masks, below ``place.masks``.

    Raises:
        UserError: masks cannot be made, each of which is named, or the disk does not take them.
    """
    names = sample_ids([row.image for row in found.rows])

    def write(row: PairRow, staging: Path) -> None:
        mask = found.masks.mask(PurePosixPath(row.image))
        write_picture(staging / f'{names[row.image]}.png', mask)

    _write_all(found.rows, write, place.masks, progress)
    return [replace(row, mask=f'{names[row.image]}.png') for row in found.rows]


def write_images(found: Found, place: Place, progress: Callable[[int], None]) -> None:
    """Write all images below ``place.images``, under the paths that they have.

    Raises:
        UserError: images cannot be read, each of which is named, or the disk does not take them.
    """

    def write(row: PairRow, staging: Path) -> None:
        target = staging / row.image
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target, 'wb', flush=False) as file:
            file.write(found.images.content(PurePosixPath(row.image)))

    _write_all(found.rows, write, place.images, progress)


def _write_all(
    rows: Sequence[PairRow],
    write: Callable[[PairRow, Path], None],
    folder: Path,
    progress: Callable[[int], None],
) -> None:
    """Write a file for each row into a folder that is there with all of them or not at all."""
    faults: list[str] = []

    def attempt(row: PairRow) -> None:
        try:
            write(row, staging)
        except UserError as error:
            faults.append(str(error))

    make_writable(folder.parent, '--root')
    with staging_folder(folder) as staging:
        with ThreadPoolExecutor(_THREADS) as pool:
            for done, _ in enumerate(pool.map(attempt, rows), 1):
                progress(done)
        if faults:
            raise faults_error(faults, 'files cannot be made')
        shutil.rmtree(folder, ignore_errors=True)
        staging.rename(folder)
        staging.mkdir()  # which the context takes away


def write_config(found: Found, rows: list[PairRow], place: Place, plan: Sequence[Line]) -> None:
    """Write the table and the config of a data set.

    Args:
        found: what the folder holds.
        rows: its pairs, with the masks that are to be read.
        place: where both are written.
        plan: lines that the data and the machine decide, the base first.

    Raises:
        UserError: a file cannot be written.
    """
    make_writable(place.config.parent, '--root')
    write_pairs_table(place.table, rows)
    with whole_file(place.config) as file:
        file.write(config_text(found, rows, place, plan))


def config_text(found: Found, rows: list[PairRow], place: Place, plan: Sequence[Line]) -> str:
    """Return the config, at most 15 lines."""
    data_root = place.images if found.images.embedded else found.folder
    base, *planned = map(str, plan)
    lines = [
        f'"""{place.name}: {len(rows):,} images, made by tools/prepare_data.py --from."""',
        '',
        base,
        f'data_root = {short_path(data_root.resolve())!r}',
    ]
    if found.encodings is None:
        lines += [
            f'mask_root = {short_path(place.masks.resolve())!r}',
            f'mask_encodings = {CONVERTED!r}  # 255: does not count',
        ]
    elif any(encoding not in PLAIN for encoding in found.encodings):
        lines.append(f'mask_encodings = {found.encodings!r}')
    lines += [f'pairs = {short_path(place.table.resolve())!r}', *found.config_lines, *planned]
    return '\n'.join([*lines, ''])
