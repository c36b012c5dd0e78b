"""Which series are the images and which the masks: what the user says, names, then contents."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..base.errors import UserError
from ..datasets.list_file import some
from . import content
from .answers import Answers
from .files import Picture
from .pairing import Pairing, pair
from .patterns import option_for, selects
from .question import QuestionError
from .series import Series, find_series

#: Series of unknown names that are tried with each other; more are a question.
_TRIED = 8


def find_pairs(
    folder: Path, pictures: Sequence[Picture], answers: Answers
) -> tuple[Pairing, list[str]]:
    """Return the pairs of a folder, and notes on what was found.

    Pictures that carry their mask in their alpha channel pair with themselves.

    Raises:
        QuestionError: folders can be read in several ways.
        UserError: no masks are found, or names do not tell which mask belongs to which image.
    """
    if not pictures:
        raise UserError(
            f'{folder}: no pictures in it; known are JPEG, PNG, TIFF, BMP, GIF and more'
        )
    series = _answered(folder, pictures, answers)
    images = [one for one in series if one.role == 'image']
    masks = [one for one in series if one.role == 'mask']
    unknown = [one for one in series if one.role is None]
    if not (images and masks):
        images, masks, unknown = _completed(folder, images, masks, unknown)
    if not images and all(_looks(folder, one) == 'cutout' for one in masks):
        images, masks = masks, []
    if not images:
        raise UserError(
            f'{folder}: masks without images ({_shown(masks)}); say with --images which files are '
            'the images, or with --from a folder that holds both'
        )
    if not masks:
        return _cutouts(folder, images)
    _refuse_swapped(folder, images, masks, answers)
    notes = [
        f'{len(one.pictures):,} files left out, neither images nor masks: {_shown([one])}'
        for one in unknown
    ]
    said = answers.images is not None and answers.masks is not None
    return pair(images, masks, said), notes


def _answered(folder: Path, pictures: Sequence[Picture], answers: Answers) -> list[Series]:
    """Return the series with the roles that the user has given."""
    said: dict[str, list[Picture]] = {}
    rest = list(pictures)
    # A pattern is meant more closely than a folder: '*_mask.png' beside the folder of both.
    order = sorted(
        (('image', '--images', answers.images), ('mask', '--masks', answers.masks)),
        key=lambda one: '*' not in (one[2] or ''),
    )
    for role, option, text in order:
        if text is None:
            continue
        said[role] = [picture for picture in rest if selects(text, picture.path)]
        if not said[role]:
            known = [option_for(one, ()) for one in find_series(folder, pictures)]
            raise UserError(
                f'{option} {text}: no file below {folder} fits; there are {some(known)}'
            )
        taken = set(said[role])
        rest = [picture for picture in rest if picture not in taken]
    found = [Series(role, tuple(members)) for role, members in said.items()]
    if len(said) < 2 and rest:  # of the rest the names say the other role, or none
        for one in find_series(folder, rest):
            found.append(replace(one, role=None) if one.role in said else one)
    return found


def _completed(
    folder: Path, images: list[Series], masks: list[Series], unknown: list[Series]
) -> tuple[list[Series], list[Series], list[Series]]:
    """Find the role of series whose names say none."""
    if masks:
        return (unknown, masks, []) if unknown else ([], masks, [])
    looks = {id(one): _looks(folder, one) for one in [*images, *unknown]}
    like_masks = [one for one in unknown if looks[id(one)] in ('mask', 'cutout')]
    if images:
        others = [one for one in unknown if one not in like_masks]
        if not unknown:  # all have names of images: are some of them masks?
            like_masks = [one for one in images if looks[id(one)] == 'mask']
            if len(like_masks) < len(images):
                images = [one for one in images if one not in like_masks]
            else:
                like_masks = []
        return images, like_masks, others
    if len(unknown) > 1 and len(like_masks) in (0, len(unknown)):
        _ask_for_roles(unknown)
    others = [one for one in unknown if one not in like_masks]
    return others, like_masks, []


def _ask_for_roles(series: Sequence[Series]) -> None:
    texts = [option_for(one, series) for one in series[:_TRIED]]
    raise QuestionError(
        'neither names nor contents tell images from masks: which files are the masks?',
        {
            f"--masks '{text}'": f'{len(one.pictures):,} files, such as '
            f'{str(one.pictures[0].path)!r}'
            for text, one in zip(texts, series, strict=False)
        },
    )


def _refuse_swapped(
    folder: Path, images: Sequence[Series], masks: Sequence[Series], answers: Answers
) -> None:
    """Ask where names and contents say the opposite of each other."""
    if answers.images or answers.masks:
        return
    image, mask = (max(side, key=lambda one: len(one.pictures)) for side in (images, masks))
    if [_looks(folder, one) for one in (image, mask)] == ['mask', 'photo']:
        texts = [option_for(one, [image, mask]) for one in (image, mask)]
        raise QuestionError(
            f'by their names {texts[0]!r} are the images and {texts[1]!r} the masks, by what they '
            'look like it is the other way round: which are the masks?',
            {f"--masks '{text}'": f'the masks are {text}' for text in texts},
        )


def _cutouts(folder: Path, images: Sequence[Series]) -> tuple[Pairing, list[str]]:
    pictures = [picture for series in images for picture in series.pictures]
    if any(_looks(folder, one) != 'cutout' for one in images):
        raise UserError(
            f'{folder}: {len(pictures):,} images ({_shown(images)}) and no masks; '
            'say with --masks which files they are, or with --from a folder that holds both'
        )
    pairs = {picture: [picture] for picture in pictures}
    note = 'the images are cut-outs without masks: their alpha channel is the mask'
    return Pairing('alpha channel', pairs, [], []), [note]


def _looks(folder: Path, series: Series) -> str:
    """Return what most pictures of a series look like."""
    return content.of_series(folder, [picture.path for picture in series.pictures])


def _shown(series: Sequence[Series]) -> str:
    return some([str(picture.path) for one in series for picture in one.pictures])
