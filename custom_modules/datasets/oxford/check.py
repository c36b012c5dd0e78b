"""Is the data set on the disk whole, and is it what it should be?"""

import json
import operator
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...base.errors import UserError
from ..image_io import read_image, read_mask, read_oriented_image
from ..list_file import read_lines
from ..reading.formats import open_picture
from .dataset import BACKGROUND, BORDER, KNOWN_ODD, PET, PetEntry, read_list_file

#: Lines of the published list files; a synthetic data set brings its own in ``sample.json``.
PUBLISHED_LENGTHS = {'trainval.txt': 3680, 'test.txt': 3669}

AGAIN = 'unpack the archives again (--archives or --download)'


@dataclass(frozen=True)
class Finding:
    """Something about one file: what kind of problem, and what to do."""

    file: str
    kind: str
    remedy: str


@dataclass
class Report:
    """What the check found.

    ``faults`` make the data set unusable, ``notes`` do not. ``pixel_shares`` are means over images.
    """

    images: int = 0
    faults: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    pixel_shares: dict[str, float] = field(default_factory=dict)


def check_oxford_pet(root: Path, report_step: Callable[[int], None] | None = None) -> Report:
    """Decode every listed image and trimap and compare them with what was published.

    Args:
        root: folder of the data set, with ``images`` and ``annotations``.
        report_step: function that is called after each image with the number of all images; None
            for no report.

    Returns:
        Faults (missing, unreadable, sizes that differ, values other than 1, 2, 3, lists that
        overlap or have another length) and notes (masks without a pet, odd files).

    Raises:
        UserError: ``sample.json``, which has the lengths of a synthetic data set, is damaged.
    """
    report = Report()
    entries: list[PetEntry] = []
    lengths = _expected_lengths(root)
    lists: dict[str, set[str]] = {}
    for name, length in lengths.items():
        try:
            listed = read_list_file(root / 'annotations' / name)
        except UserError as error:
            report.faults.append(Finding(f'annotations/{name}', str(error), AGAIN))
            continue
        ids = {entry.sample_id for entry in listed}
        lists[name] = ids
        entries += listed
        if len(listed) != length or len(ids) != length:
            kind = f'{len(listed)} lines, {len(ids)} different, instead of {length}'
            report.faults.append(Finding(f'annotations/{name}', kind, AGAIN))
    both = set.intersection(*lists.values()) if len(lists) == 2 else set()
    if both:
        kind = f'{len(both)} images are in trainval.txt and test.txt, such as {min(both)}'
        report.faults.append(Finding('annotations', kind, AGAIN))

    unique = list({entry.sample_id: entry for entry in entries}.values())
    shares = np.zeros(4)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for faults, notes, counts in pool.map(lambda entry: _check_pair(root, entry), unique):
            report.faults += faults
            report.notes += notes
            shares += counts / max(1, counts.sum())
            if report_step:
                report_step(len(unique))
    report.images = len(unique)
    names = {'pet': PET, 'background': BACKGROUND, 'border': BORDER}
    report.pixel_shares = {k: float(shares[v]) / max(1, len(unique)) for k, v in names.items()}
    return report


def _expected_lengths(root: Path) -> dict[str, int]:
    sample = root / 'sample.json'
    if not os.path.lexists(sample):
        return PUBLISHED_LENGTHS
    remedy = 'draw the sample again (--sample), or remove the file'
    try:
        lengths = json.loads('\n'.join(read_lines(sample, remedy)))['lengths']
        return {name: operator.index(lengths[name]) for name in PUBLISHED_LENGTHS}
    except UserError:
        raise
    except (ValueError, LookupError, TypeError, RecursionError):
        raise UserError(f'{sample}: holds no lengths of lists; {remedy}') from None


def _check_pair(root: Path, entry: PetEntry) -> tuple[list[Finding], list[Finding], np.ndarray]:
    faults: list[Finding] = []
    notes: list[Finding] = []
    counts = np.zeros(4, np.int64)
    image_name = f'images/{entry.sample_id}.jpg'
    trimap_name = f'annotations/trimaps/{entry.sample_id}.png'
    image = orientation = trimap = None
    as_published = entry.sample_id in KNOWN_ODD
    try:
        image, orientation = read_oriented_image(root / image_name, as_published)
        oddity = _oddity(root / image_name) if as_published else ''
        if oddity:
            notes.append(Finding(image_name, oddity, 'as published, nothing to do'))
    except UserError as error:
        faults.append(Finding(image_name, _kind(error), AGAIN))
    try:
        trimap = read_mask(root / trimap_name, orientation)
    except UserError as error:
        faults.append(Finding(trimap_name, _kind(error), AGAIN))
    if image is not None and trimap is not None and image.shape[:2] != trimap.shape:
        kind = f'size {trimap.shape[::-1]}, its image {image.shape[1::-1]} (width, height)'
        faults.append(Finding(trimap_name, kind, AGAIN))
    if trimap is not None:
        values = np.bincount(trimap.ravel(), minlength=256)
        foreign = [int(v) for v in np.flatnonzero(values) if v not in (PET, BACKGROUND, BORDER)]
        if foreign:
            kind = f'values {foreign[:5]} beside 1, 2, 3'
            faults.append(Finding(trimap_name, kind, AGAIN))
        elif not values[PET] and not values[BORDER]:
            notes.append(Finding(trimap_name, 'all background', 'counted as num_empty in a test'))
        counts = values[:4]
    return faults, notes, counts


def _oddity(path: Path) -> str:
    """Say what is unusual about an image that is read as it was published."""
    with open(path, 'rb') as file, open_picture(file, first_page=True) as picture:
        if picture.format != 'JPEG':
            return f'{picture.format} under the name of a JPEG'
        if picture.mode not in ('RGB', 'L'):
            return f'colours in {picture.mode}'
    try:
        read_image(path)
    except UserError as error:
        return f'damaged ({_kind(error)})'
    return ''


def _kind(error: UserError) -> str:
    """Return the middle of ``<path>: <what>; <remedy>``."""
    return str(error).partition(': ')[2].partition(';')[0]
