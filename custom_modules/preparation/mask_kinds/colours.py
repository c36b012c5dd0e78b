"""What the colours of masks mean: black and one more, or a question."""

import itertools

import numpy as np

from ...base.errors import UserError
from ..question import QuestionError
from .choice import NONZERO, Choice, is_black
from .group import Group, colour_name, percent
from .labels import BACKGROUND, FOREGROUND, IGNORED, ByColour, ByValue, Labels, nearest_of
from .view import unpacked

#: More colours than this are not taken one by one: edges are soft, or compressed. As few as this
#: always are.
EXACT, FEW = 24, 8

#: Masks with more main colours, or a larger share of others, are pictures.
MOST, STRAYS = 16, 0.3

#: Colours whose channels differ by less are one, apart from noise.
SAME = 40

#: Share of all pixels from which a colour is one of its own.
OWN = 0.0005

#: A colour between two others is their soft edge if it has less than this of the rarer's pixels.
BLEND = 0.5

#: So is one that is farther off, up to this, if no more of its pixels than this lie in areas.
OFF, IN_AREAS = 96, 0.15


def labels_of_colours(group: Group, choice: Choice) -> tuple[Labels, list[str]]:
    """Return what the colours of a group mean, and notes about it.

    Args:
        group: masks of colours that are not all grey.
        choice: what the user has said.

    Raises:
        QuestionError: more than one colour could be foreground.
        UserError: the colours are those of a picture.
    """
    exact = _is_exact(group)
    main, notes = (group, []) if exact else _main_colours(group)
    labels = _found(main, choice)
    return (ByValue(labels) if exact else ByColour(labels)), notes


def _is_exact(group: Group) -> bool:
    """Say whether each colour is one that was meant, and none is a soft edge or noise."""
    if group.values.size > EXACT or any(look.rounded for look in group.looks):
        return False
    if group.values.size <= FEW:
        return True
    # Still soft edges, if the others lie between the two that are most, and in no areas.
    colours = unpacked(group.values).astype(int)
    start, end = colours[np.argsort(-group.pixels)[:2]]
    way = end - start
    along = ((colours - start) @ way / (way @ way)).clip(0, 1)
    beside = np.abs(start + along[:, None] * way - colours).max()
    apart = np.abs(colours - start).max(1) > SAME
    apart &= np.abs(colours - end).max(1) > SAME
    areas = group.solid[apart].sum() >= IN_AREAS * group.pixels[apart].sum()
    return bool(beside > SAME or areas)


def _found(main: Group, choice: Choice) -> dict[int, int]:
    labels = dict.fromkeys(main.values.tolist(), BACKGROUND)
    labels |= choice.labels(main)
    classes = [value for value in labels if labels[value] != IGNORED and not is_black(value)]
    black = any(is_black(value) for value in labels)
    if choice.foreground:
        return labels
    if len(classes) > 1 or (classes and not black):
        raise QuestionError(*_question(main, classes, black))
    return labels | dict.fromkeys(classes, FOREGROUND)


def _main_colours(group: Group) -> tuple[Group, list[str]]:
    """Return a group of the colours that areas have; soft edges and noise are counted to them."""
    colours = unpacked(group.values).astype(int)
    left = np.ones(group.values.size, bool)
    centres: list[int] = []
    masses: list[int] = []
    while group.pixels[left].sum() >= OWN * group.total and len(centres) <= MOST:
        index = int(np.argmax(np.where(left, group.pixels, -1)))
        near = left & (np.abs(colours - colours[index]).max(1) <= SAME)
        mass = int(group.pixels[near].sum())
        left &= ~near
        thin = group.solid[near].sum() < IN_AREAS * mass
        if mass >= OWN * group.total and not _is_blend(colours, index, mass, thin, centres, masses):
            centres.append(index)
            masses.append(mass)
    values = group.values[centres]
    nearest = nearest_of(group.values, values)
    distance = np.abs(colours - colours[centres][nearest]).max(1)
    strays = group.share(distance > SAME)
    if len(centres) > MOST or strays > STRAYS:
        raise UserError(
            f'{group.example(int(np.argmax(group.pixels)))}: {group.values.size:,} colours, those '
            'of a picture and not of a mask; name the masks with --masks, or take the pictures away'
        )
    return _merged(group, values, nearest, distance <= SAME), [
        f'{group.values.size:,} colours; {percent(strays)} of the pixels are soft edges or noise. '
        f'Each is taken for the nearest of {", ".join(map(colour_name, np.sort(values).tolist()))}'
    ]


def _is_blend(
    colours: np.ndarray,
    index: int,
    mass: int,
    thin: bool,
    centres: list[int],
    masses: list[int],
) -> bool:
    """Say whether a colour is the soft edge of two that have been found, or noise at it."""
    point = colours[index]
    for (one, its_mass), (other, other_mass) in itertools.combinations(
        zip(centres, masses, strict=True), 2
    ):
        start, way = colours[one], colours[other] - colours[one]
        along = np.clip((point - start) @ way / (way @ way), 0, 1)
        beside = np.abs(start + along * way - point).max()
        rarer = min(its_mass, other_mass)
        if beside <= SAME and mass < BLEND * rarer:
            return True
        if thin and beside <= OFF and mass < rarer:
            return True
    return False


def _merged(group: Group, values: np.ndarray, nearest: np.ndarray, near: np.ndarray) -> Group:
    order = values.argsort()
    place = order.argsort()[nearest]
    files = np.zeros(values.size, np.int64)
    examples = np.zeros(values.size, np.int64)
    for number, look in enumerate(group.looks):
        there = np.searchsorted(group.values, look.values)
        found = np.unique(place[there[near[there]]])
        examples[found[files[found] == 0]] = number
        files[found] += 1
    pixels, solid = (
        np.bincount(place, numbers, minlength=values.size).astype(np.int64)
        for numbers in (group.pixels, group.solid)
    )
    return Group(group.kind, group.looks, values[order], pixels, solid, files, examples)


def _question(main: Group, classes: list[int], black: bool) -> tuple[str, dict[str, str]]:
    answers = {
        f"--foreground '{colour_name(value)}'": f'{colour_name(value)} is foreground, the rest is '
        'background'
        for value in classes
    }
    if black:
        answers[f'--foreground {NONZERO}'] = 'everything but black is foreground'
    if black and len(classes) > 1:
        one, other = map(colour_name, classes[:2])
        answers[f"--foreground '{one}' --ignore '{other}'"] = f'{other} does not count'
    example = main.example(-1)
    return (
        f'masks hold {main.values.size} colours, {main.listing()} (such as {example}): which of '
        'them are foreground?'
    ), answers
