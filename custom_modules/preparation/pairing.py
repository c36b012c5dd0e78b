"""Which mask belongs to which image, by their names; what can be read in two ways is a question."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..base.errors import UserError
from .attempts import Attempt, attempt
from .doubts import (
    ask_about_contested,
    ask_which,
    no_pairs,
    refuse_doubtful,
    refuse_two_ways,
    shown,
)
from .files import Picture
from .keys import LEAST_SURE, Rule, rules
from .series import Series


@dataclass(frozen=True)
class Pairing:
    """Images with their masks.

    Attributes:
        rule: how their names belong together, in words.
        pairs: image -> its masks; several hold an object each.
        lonely_images: images without a mask.
        lonely_masks: masks without an image.
    """

    rule: str
    pairs: dict[Picture, list[Picture]]
    lonely_images: list[Picture]
    lonely_masks: list[Picture]


def pair(images: Sequence[Series], masks: Sequence[Series], said: bool = False) -> Pairing:
    """Pair images and masks by the surest rule that fits their names.

    Args:
        images: series of images.
        masks: series of masks.
        said: whether the user has said which files are the images and which the masks: then those
            that have no partner are left out without a question.

    Raises:
        QuestionError: images of two series, or masks of two, could be meant, or numbers shifted.
        UserError: names do not tell which mask belongs to which image.
    """

    def joins(together: Series) -> bool:
        try:
            pair(images, [together], said=True)
        except UserError:
            return False
        return True

    image_files = [picture for series in images for picture in series.pictures]
    mask_files = [picture for series in masks for picture in series.pictures]
    series_of = {mask: number for number, one in enumerate(masks) for mask in one.pictures}
    best: Attempt | None = None
    disputed: Attempt | None = None
    for rule in rules(*([one.pictures for one in side] for side in (images, masks))):
        if best and _is_enough(best, rule, image_files, mask_files):
            break
        found = attempt(rule, image_files, mask_files, series_of)
        if found.contested:
            if disputed is None or found.size > disputed.size:
                disputed = found
        elif best is None or found.size > best.size:
            if best is None or found.extends(best):
                best = found
        elif (
            best.rule.level == found.rule.level >= LEAST_SURE
            and found.size == best.size
            and found.pairs != best.pairs
        ):
            refuse_two_ways(best, found, images, masks, joins)
    if disputed and (not best or not best.pairs or _reaches_more(disputed, best, len(mask_files))):
        ask_about_contested(disputed, images, masks, joins)
    if best is None or not best.pairs:
        raise no_pairs(image_files, mask_files)
    lonely_images = _without(image_files, best.pairs)
    lonely_masks = _without(mask_files, {m for found in best.pairs.values() for m in found})
    if not said:
        refuse_doubtful(best, lonely_images, lonely_masks, images, masks)
    left = set(lonely_masks)
    if any(left.issuperset(one.pictures) for one in masks):
        ask_which('masks', masks, [*images, *masks], 'there are several kinds of masks', joins)
    return Pairing(best.rule.name, best.pairs, lonely_images, lonely_masks)


def _is_enough(
    best: Attempt, rule: Rule, images: Sequence[Picture], masks: Sequence[Picture]
) -> bool:
    """Say whether neither a rule nor those after it can change what was found."""
    all_masks, all_images = best.paired_masks == len(masks), len(best.pairs) == len(images)
    if rule.level == best.rule.level:  # of which the least sure ones are held against each other
        return all_masks and all_images and rule.level < LEAST_SURE
    return all_masks or (all_images and best.rule.level < 2)


def _reaches_more(disputed: Attempt, best: Attempt, masks: int) -> bool:
    """Say whether a rule with doubts finds an image for masks that the best one leaves alone."""
    more = best.paired_masks < masks and disputed.reached_masks > best.paired_masks
    return more and disputed.rule.level < LEAST_SURE


def _without(pictures: Sequence[Picture], taken: Collection[Picture]) -> list[Picture]:
    return [picture for picture in pictures if picture not in taken]


def lonely_note(what: str, pictures: Sequence[Picture]) -> str:
    """Return a line about files without a partner."""
    return f'{len(pictures):,} {what} without a partner, left out: {shown(pictures)}'
