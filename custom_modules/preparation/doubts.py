"""Names that can be read in several ways, as questions and messages."""

import re
from collections.abc import Callable, Hashable, Sequence

from ..base.errors import UserError
from ..datasets.list_file import some
from .attempts import Attempt
from .files import Picture
from .patterns import option_for
from .question import QuestionError
from .series import Series

#: Says whether masks of several series pair if all of them are meant.
Joins = Callable[[Series], bool]


def ask_which(
    what: str,
    series: Sequence[Series],
    every: Sequence[Series],
    seen: str,
    joins: Joins | None = None,
) -> None:
    """Ask which of several series are the images, or the masks.

    Args:
        what: 'images' or 'masks'.
        series: the series to choose from.
        every: all series of the folder.
        seen: what was seen, for the question.
        joins: says whether masks pair together, of an object each; None where they cannot.

    Raises:
        QuestionError: always.
    """
    answers = {
        f"--{what} '{option_for(one, every)}'": f'{len(one.pictures):,} files, such as '
        f'{name(one.pictures[0])}'
        for one in series
    }
    folders = _folders(series)
    others = [one for one in every if one not in series]
    alone = len(folders) == 1 and '' not in folders and folders.isdisjoint(_folders(others))
    if joins and alone and len(series) > 1:
        together = Series('mask', tuple(p for one in series for p in one.pictures))
        if joins(together):
            answers[f"--masks '{folders.pop()}'"] = 'all of them, joined'
    raise QuestionError(f'{seen}: which do you mean?', answers)


def _folders(series: Sequence[Series]) -> set[str]:
    return {picture.path.parent.name for one in series for picture in one.pictures}


def ask_about_contested(
    disputed: Attempt, images: Sequence[Series], masks: Sequence[Series], joins: Joins
) -> None:
    """Ask, or refuse, where a rule finds several images for a mask or several masks for an image.

    Raises:
        QuestionError: they are of different series.
        UserError: they are of one series.
    """
    candidates, own = disputed.contested[0]
    for what, found, choice in (('images', candidates, images), ('masks', own, masks)):
        involved = [s for s in choice if any(picture in s.pictures for picture in found)]
        if len(involved) > 1:
            seen = f'{shown(found)} may all be {what} of one picture'
            ask_which(what, involved, [*images, *masks], seen, joins if what == 'masks' else None)
    raise UserError(
        f'{shown(candidates)} and {shown(own)} may belong together in several ways '
        f'({disputed.rule.name}), and so do {len(disputed.contested) - 1:,} more; rename them, '
        'move copies away, or say with --images and --masks which are meant'
    )


def refuse_two_ways(
    one: Attempt, other: Attempt, images: Sequence[Series], masks: Sequence[Series], joins: Joins
) -> None:
    """Ask, or refuse, where two rules that are equally sure pair files in two ways.

    Raises:
        QuestionError: the masks are of different series.
        UserError: they are of one series.
    """
    image = next(i for i in one.pairs if one.pairs[i] != other.pairs.get(i))
    found = [*one.pairs[image], *other.pairs.get(image, [])]
    involved = [series for series in masks if not set(found).isdisjoint(series.pictures)]
    if len(involved) > 1:
        seen = f'{shown(found)} may all be masks of one picture'
        ask_which('masks', masks, [*images, *masks], seen, joins)
    raise UserError(
        f'{name(image)} may belong to {" or to ".join(map(name, found))}: names have several '
        'numbers in common; rename the files so that an image and its mask have one name'
    )


def refuse_doubtful(
    found: Attempt,
    lonely_images: Sequence[Picture],
    lonely_masks: Sequence[Picture],
    images: Sequence[Series],
    masks: Sequence[Series],
) -> None:
    """Refuse pairs that are few, and ask where numbers may be shifted.

    Raises:
        QuestionError: images and masks are left over whose names differ in numbers alone.
        UserError: less than half of the images and of the masks have a partner.
    """
    number = len(found.pairs)
    seen = (
        f'{number:,} images pair with a mask ({found.rule.name}), {len(lonely_images):,} images '
        f'have none ({shown(lonely_images)}) and {len(lonely_masks):,} masks no image '
        f'({shown(lonely_masks)})'
    )
    if min(len(lonely_images), len(lonely_masks)) > number:
        raise UserError(
            f'only {seen}; rename the files so that an image and its mask have one name, or move '
            'those without a partner away'
        )
    forms = [
        {_form(key(picture)) for picture in lonely}
        for key, lonely in ((found.rule.image, lonely_images), (found.rule.mask, lonely_masks))
    ]
    if forms[0] & forms[1]:
        every = [*images, *masks]
        options = ' '.join(
            f"--{what} '{option_for(side[0], every)}'"
            for what, side in (('images', images), ('masks', masks))
        )
        raise QuestionError(
            f'{seen}; numbers that are shifted would look like this: do the names of pairs mean '
            'the same? Else rename them',
            {options: f'yes, these {number:,} pairs are right, and the rest is left out'},
        )


def _form(key: Hashable) -> str:
    """Return the key of a picture with '#' for each number."""
    return re.sub(r'\d+', '#', str(key))


def no_pairs(images: Sequence[Picture], masks: Sequence[Picture]) -> UserError:
    """Return the error where no name fits another one."""
    return UserError(
        f'no name of the {len(images):,} images ({shown(images)}) fits one of the '
        f'{len(masks):,} masks ({shown(masks)}); rename the files so that an image and its mask '
        'have one name, or say with --images and --masks which are meant'
    )


def name(picture: Picture) -> str:
    """Return the path of a picture, quoted."""
    return repr(str(picture.path))


def shown(pictures: Sequence[Picture]) -> str:
    """Return the first paths of some pictures, quoted."""
    return some([str(picture.path) for picture in pictures])
