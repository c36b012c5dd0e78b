"""What numbers mean: two classes, a soft edge, noise, outlines, objects; or a question."""

import itertools
from collections.abc import Sequence

import numpy as np

from ..question import QuestionError
from .choice import NONZERO, Choice
from .group import WORDS, Group, percent
from .labels import BACKGROUND, FOREGROUND, IGNORED, ByThreshold, ByValue, Labels
from .structure import NEARLY, VOID, WHITE, WIDE_WHITE, between

#: Half of the range: what is above is foreground.
HALF = 127

#: Fewer different values than these can be classes, and are asked for.
SOFT = 9

#: Soft masks have areas of one grey on less than this share of their grey pixels.
FLAT = 0.35

#: A grey with so large a part of all greys, and of the picture, is a class under noise.
PEAK, PEAK_OF_ALL = 0.5, 0.005

#: Half of the width of such a hill.
HILL = 6

#: Values that a question offers, and how many there may be at most.
OFFERED, FEW = 8, 32

#: As many objects as make numbers; fewer in 8 bits could be classes.
MANY_OBJECTS = 10


def labels_of_numbers(group: Group, choice: Choice) -> tuple[Labels, list[str]]:
    """Return what the values of a group mean, and notes about it.

    Args:
        group: masks of grey levels, indices or opacity.
        choice: what the user has said.

    Raises:
        QuestionError: the values can be read in several ways.
    """
    if _is_soft(group) and not choice.ignore:
        return _soft(group, choice)
    several = group.values.size > 2 and group.kind.place != 'indices'
    if choice.threshold is not None and several and not choice.foreground:
        return _by_threshold(group, choice.threshold, 'as you said')
    named = choice.labels(group)
    notes = []
    if group.outline is not None and group.outline not in named:
        named[group.outline] = IGNORED
        notes.append(f'{group.outline} outlines objects and does not count')
    ignored = np.isin(group.values, [value for value, label in named.items() if label == IGNORED])
    classes = group.values[(group.values != 0) & ~ignored]
    if choice.foreground:
        return ByValue(dict.fromkeys(group.values.tolist(), BACKGROUND) | named), notes
    together = classes.size <= 1 or group.zero_one_or_255
    if not together and _are_objects(group):
        notes.append(
            f'numbers of objects from {classes.min():,} to {classes.max():,}: everything above 0 '
            'is foreground'
        )
        together = True
    if not together or (0 not in group.values and classes.size and not _is_white(classes)):
        raise QuestionError(*_question(group, classes, notes))
    return ByValue({0: BACKGROUND} | named | dict.fromkeys(classes.tolist(), FOREGROUND)), notes


def _soft(group: Group, choice: Choice) -> tuple[Labels, list[str]]:
    """Return a threshold; the user's words for foreground can only be the dark or the bright."""
    dark = False
    if choice.foreground:
        named = choice.labels(group)
        dark = 0 in named
        if dark == (_top(group) in named):
            raise QuestionError(
                f'masks hold {group.values.size:,} {WORDS[group.kind.place]} from 0 to '
                f'{_top(group):,} with soft edges (such as {group.example(0)}): which end of them '
                'is foreground?',
                {
                    f'--foreground {_top(group)}': 'bright is foreground',
                    '--foreground 0': 'dark is foreground',
                },
            )
    if choice.threshold is not None:
        return _by_threshold(group, choice.threshold, 'as you said', dark)
    return _by_threshold(group, HALF, 'half', dark)


def _by_threshold(
    group: Group, threshold: int, why: str, dark: bool = False
) -> tuple[Labels, list[str]]:
    top = _top(group)
    limit = threshold * top // WHITE
    grey = (group.values > 0) & (group.values < top)
    near = ~between(group.values, top)
    what = 'soft edges'
    if group.kind.jpeg or not group.pixels[grey & ~near].any():
        what = "the compression's noise"
    side = f'up to {limit:,}' if dark else f'above {limit:,}'
    return ByThreshold(limit, dark), [
        f'{percent(group.share(grey))} of the pixels are neither 0 nor {top:,} ({what}): '
        f'{side} is foreground (threshold {threshold}, {why})'
    ]


def _top(group: Group) -> int:
    return WIDE_WHITE if group.kind.wide and group.values[-1] > WHITE else WHITE


def _is_soft(group: Group) -> bool:
    """Say whether the values are black and white with soft edges or a compression's noise."""
    values, top = group.values, _top(group)
    if group.kind.place == 'indices' or values[0] < 0 or not top * (1 - NEARLY) < values[-1] <= top:
        return False
    middle = between(values, top)
    if not (values < top * NEARLY).any():
        return False
    if values.size < SOFT:
        above, below = (values > 1) & (values <= top * NEARLY), (values < top) & (values > top // 2)
        noise = group.kind.jpeg or (above.any() and below.any())
        return bool(values.size > 2 and noise and not middle.any())
    grey = int(group.pixels[middle].sum())
    if grey > group.total / 2 or sum(look.structure.flat for look in group.looks) > FLAT * grey:
        return False
    return not (group.kind.jpeg and _has_peak(group, middle, grey))


def _by_level(group: Group, chosen: np.ndarray | bool = True) -> np.ndarray:
    """Return how many of the chosen pixels have about each level of 8 bits, (256,)."""
    levels = (group.values.clip(0) * WHITE // max(WHITE, _top(group))).clip(0, WHITE)
    pixels = np.bincount(levels, np.where(chosen, group.pixels, 0), minlength=WHITE + 1)
    return np.convolve(pixels, np.ones(2 * HILL + 1), 'same')


def _has_peak(group: Group, middle: np.ndarray, grey: int) -> bool:
    """Say whether one grey has its own hill of pixels, as a class under noise has."""
    hill = _by_level(group, middle)[3 * 16 : -3 * 16]  # far from both ends
    return bool(hill.max() > max(PEAK * grey, PEAK_OF_ALL * group.total))


def _valleys(group: Group) -> list[int]:
    """Return levels between hills of pixels, or half the range where there is but one hill."""
    levels = _by_level(group)
    hills: list[int] = []
    while levels.max() > PEAK_OF_ALL * group.total and len(hills) < OFFERED:
        hills.append(int(levels.argmax()))
        levels[max(0, hills[-1] - 4 * HILL) : hills[-1] + 4 * HILL + 1] = 0
    hills.sort()
    found = [(low + high) // 2 for low, high in itertools.pairwise(hills)] or [HALF]
    return [level for level in found if level * _top(group) // WHITE < group.values[-1]]


def _are_objects(group: Group) -> bool:
    """Say whether the values are numbers of objects, each of which is one area."""
    if group.kind.place != 'grey' or group.kind.jpeg or group.values[0] < 0:
        return False
    background = group.share(group.values == 0)
    files = [look for look in group.looks if look.values[-1] > 0]
    several = [look for look in files if look.values.size > 2]
    numbers = sum(int((look.values > 0).sum()) for look in several)
    if background < 0.05 or sum(look.structure.parts for look in several) > 2 * numbers:
        return False
    if group.values[-1] > WHITE:
        dense = [_span(look.values) <= 4 * look.values.size + 50 for look in files]
    else:
        if group.values[-1] < MANY_OBJECTS:
            return False
        dense = [np.array_equal(look.values, np.arange(look.values.size)) for look in files]
    return sum(dense) >= 0.9 * len(files)


def _span(values: np.ndarray) -> int:
    objects = values[values > 0]
    return int(objects[-1] - objects[0]) + 1


def _is_white(classes: np.ndarray) -> bool:
    """Say whether pictures without 0 can be foreground everywhere."""
    return classes.size == 1 and int(classes[0]) in (1, WHITE, WIDE_WHITE)


def _with_ignored(group: Group, classes: Sequence[int]) -> list[tuple[int, int]]:
    """Return pairs of a foreground and what does not count, as trimaps and outlines have them."""
    if 0 in group.values:
        pairs = itertools.permutations(classes, 2)
        return [pair for pair in pairs if len(classes) == 2 or pair == (classes[0], VOID)]
    if len(classes) != 3:
        return []
    pixels = dict(zip(group.values.tolist(), group.pixels.tolist(), strict=True))
    rarest = min(classes, key=pixels.__getitem__)
    return [(value, rarest) for value in classes if value != rarest]


def _question(
    group: Group, classes: np.ndarray, notes: Sequence[str]
) -> tuple[str, dict[str, str]]:
    pixels = group.pixels[np.isin(group.values, classes)]
    most = np.sort(classes[np.argsort(-pixels, kind='stable')[:OFFERED]]).tolist()
    # Single values of noise are no classes.
    noisy = group.values.size > FEW or (group.kind.jpeg and group.values.size > 3)
    answers = {
        f'--foreground {value}': f'{value} is foreground, the rest is background'
        for value in ([] if noisy else most)
    }
    if 0 in group.values and not group.kind.jpeg:
        answers[f'--foreground {NONZERO}'] = 'everything but 0 is foreground'
    if not noisy:
        for one, other in _with_ignored(group, most):
            answers[f'--foreground {one} --ignore {other}'] = f'{other} does not count'
    if group.kind.place != 'indices' and group.values.size > 3:
        for limit in _valleys(group):
            answers[f'--threshold {limit}'] = f'what is above {limit} is foreground'
    said = f'; {notes[0]}' if notes else ''
    return (
        f'masks hold {group.values.size:,} {WORDS[group.kind.place]}, {group.listing()} (such as '
        f'{group.example(int(np.argmax(group.values == classes[-1])))}){said}: which of them are '
        'foreground?'
    ), answers
