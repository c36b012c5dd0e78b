"""Images that show one thing, and therefore belong into one split."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from ..base.errors import UserError
from ..datasets.list_file import some

#: Ends of names that exports and augmentations give to copies of one picture.
_EXPORTED = re.compile(r'(?P<original>.+)[_.](?:jpe?g|png|bmp|webp|tiff?|gif)\.rf\.\w+$', re.I)
_AUGMENTED = re.compile(
    r'(?P<original>.+?)[-_. ]*(?:[-_. ](?:aug(?:mented)?|copy|[hv]?flip(?:ped)?|mirror(?:ed)?|'
    r'rot(?:ated?)?|original)[-_. ]?\d*)+$',
    re.I,
)


def find_groups(
    images: Sequence[PurePosixPath], pattern: str | None
) -> tuple[dict[PurePosixPath, str], list[str]]:
    """Return the group of each image that has one, and what to say of the groups.

    Args:
        images: images by their paths below the folder.
        pattern: ``--group-by``, looked for in the stem and then in the whole path; None to find
            copies of one picture alone.

    Raises:
        UserError: the pattern is none, or fits no part of a name.
    """
    if pattern is not None:
        found = _by_pattern(images, pattern)
        many = len(set(found.values()))
        return found, [f'{many:,} groups by --group-by {pattern!r}, each in one split']
    by_original: dict[PurePosixPath, list[PurePosixPath]] = defaultdict(list)
    for image in images:
        by_original[image.with_name(_original(image.stem))].append(image)
    copies = {name: members for name, members in by_original.items() if len(members) > 1}
    groups = {image: str(name) for name, members in copies.items() for image in members}
    notes = []
    if copies:
        shown = some([image.name for image in next(iter(copies.values()))])
        notes = [
            f'{len(groups):,} images are copies of {len(copies):,} pictures by their names '
            f'({shown}); copies stay in one split'
        ]
    return groups, notes


def _original(stem: str) -> str:
    found = _EXPORTED.fullmatch(stem) or _AUGMENTED.fullmatch(stem)
    return found['original'] if found else stem


def _by_pattern(images: Sequence[PurePosixPath], pattern: str) -> dict[PurePosixPath, str]:
    try:
        search = re.compile(pattern).search
    except re.error as error:
        raise UserError(
            f'--group-by {pattern}: no regular expression ({error}); to take what is in front of '
            "the first _ write '^[^_]+'"
        ) from None
    found: dict[PurePosixPath, str] = {}
    without = []
    for image in images:
        match = search(image.stem) or search(str(image.with_suffix('')))
        text = match and (match[1] if match.re.groups else match[0])
        if text:
            found[image] = text
        else:
            without.append(str(image))
    if without:
        raise UserError(
            f'--group-by {pattern}: not found in {len(without):,} of {len(images):,} names: '
            f'{some(without)}; write a pattern that all names have'
        )
    return found


def largest(groups: Sequence[str]) -> str:
    """Return the group with most images, for a message."""
    return Counter(groups).most_common(1)[0][0]
