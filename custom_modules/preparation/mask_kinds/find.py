"""Looking at all masks of a data set and finding out what they mean."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path

from ...base.errors import UserError
from ...datasets.image_io import read_orientation
from ..answers import Answers
from ..faults import faults_error
from .choice import Choice
from .colours import labels_of_colours
from .encodings import encodings_of
from .greys import labels_of_numbers
from .group import Group, group_of, palettes_differ
from .labels import Labels, OfGreys
from .look import Kind, Look, look
from .rule import MaskRule
from .sizes import Sizes
from .summary import notes_of, pixels_of
from .view import grey_of

#: An image and its masks: one, or several of one object each.
Pair = tuple[Path, Sequence[Path]]

#: Decoding is done in C, where threads do not wait for each other.
THREADS = 4

#: Pairs that are given to the threads at once.
CHUNK = 256


def find_rule(pairs: Sequence[Pair], answers: Answers, progress: Callable[[int], None]) -> MaskRule:
    """Look at all masks and return what they mean.

    Args:
        pairs: images with their masks: one, or several of one object each.
        answers: what the user has said.
        progress: is called with the number of pairs that have been looked at.

    Raises:
        QuestionError: the masks can be read in several ways.
        UserError: files cannot be read, have other sizes than their images, or hold nothing; the
            message has a line for each.
    """
    choice = Choice(answers)
    sizes = Sizes(answers.resize_masks)
    looks = _look_at_all(pairs, sizes, progress)
    if palettes_differ(chain(*looks)):
        looks = [_by_colours(*pair) for pair in zip(pairs, looks, strict=True)]
        rule = MaskRule({}, colours_count=True, resize=answers.resize_masks)
    else:
        rule = MaskRule({}, resize=answers.resize_masks)
    by_kind: dict[Kind, list[Look]] = {}
    for one in chain(*looks):
        by_kind.setdefault(one.kind, []).append(one)
    groups = {kind: _plain(group_of(kind, members)) for kind, members in by_kind.items()}
    found: dict[Kind, Labels] = {}
    notes: list[str] = []
    for kind, group in groups.items():
        found[kind], lines = _labels_of(group, choice)
        notes += [group.title(), *lines]
    choice.refuse_unknown(list(groups.values()))
    read_where_they_lie = not sizes.others and all(len(masks) == 1 for _, masks in pairs)
    rule = replace(
        rule,
        labels={
            kind: OfGreys(labels) if groups[kind].kind != kind else labels
            for kind, labels in found.items()
        },
        encodings=encodings_of([(groups[kind], found[kind]) for kind in groups])
        if read_where_they_lie
        else None,
    )
    masks = [pixels_of(image, of, rule) for (image, _), of in zip(pairs, looks, strict=True)]
    return replace(
        rule, shares=[mask.share for mask in masks], notes=notes + sizes.notes() + notes_of(masks)
    )


def _look_at_all(
    pairs: Sequence[Pair], sizes: Sizes, progress: Callable[[int], None]
) -> list[list[Look]]:
    """Return what each pair's masks hold.

    Raises:
        QuestionError: masks have other sizes than their images and could be brought to them.
        UserError: files cannot be read or have other sizes; a line for each.
    """
    looks: list[list[Look]] = []
    faults: list[str] = []
    with ThreadPoolExecutor(THREADS) as threads:
        for start in range(0, len(pairs), CHUNK):
            for found, of_pair in threads.map(_look_at, pairs[start : start + CHUNK]):
                faults += of_pair
                looks.append(found)
                progress(len(looks))
    sizes.add(list(chain(*looks)))
    faults += sizes.faults(ask=not faults)
    if faults:
        raise faults_error(faults, 'files cannot be used')
    return looks


def _look_at(pair: Pair, colours_count: bool = False) -> tuple[list[Look], list[str]]:
    image, masks = pair
    try:
        orientation = read_orientation(image)
    except UserError as error:
        return [], [str(error)]
    found, faults = [], []
    for path in masks:
        try:
            found.append(look(path, orientation, colours_count))
        except UserError as error:
            faults.append(str(error))
    return found, faults


def _by_colours(pair: Pair, looks: list[Look]) -> list[Look]:
    if not any(one.kind.place == 'indices' for one in looks):
        return looks
    return _look_at(pair, colours_count=True)[0]


def _plain(group: Group) -> Group:
    """Return colours that are all grey as grey levels."""
    if group.kind.place != 'colours' or any(one.rounded for one in group.looks):
        return group
    if grey_of(group.values) is None:
        return group
    kind = group.kind._replace(place='grey')
    return group_of(kind, [replace(one, kind=kind, values=one.values & 255) for one in group.looks])


def _labels_of(group: Group, choice: Choice) -> tuple[Labels, list[str]]:
    if group.kind.place == 'colours':
        return labels_of_colours(group, choice)
    return labels_of_numbers(group, choice)
