"""Which mask belongs to which image, by their names; what can be read in two ways is a question."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..base.errors import UserError
from ..datasets.list_file import some
from .files import Picture
from .keys import Rule, rules
from .patterns import option_for
from .question import QuestionError
from .series import Series
from .words import is_role, words_of


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


@dataclass(frozen=True)
class _Attempt:
    rule: Rule
    pairs: dict[Picture, list[Picture]]
    contested: list[tuple[list[Picture], list[Picture]]]

    @property
    def size(self) -> int:
        """Number of images and masks that have a partner."""
        return len(self.pairs) + sum(map(len, self.pairs.values()))


def pair(images: Sequence[Series], masks: Sequence[Series]) -> Pairing:
    """Pair images and masks by the surest rule that fits their names.

    Raises:
        QuestionError: images of two series, or masks of two, could be meant.
        UserError: names do not tell which mask belongs to which image.
    """
    image_files = [picture for series in images for picture in series.pictures]
    mask_files = [picture for series in masks for picture in series.pictures]
    series_of = {mask: number for number, one in enumerate(masks) for mask in one.pictures}
    best: _Attempt | None = None
    disputed: _Attempt | None = None
    groups = [[one.pictures for one in side] for side in (images, masks)]
    for rule in rules(*groups):
        if best and rule.level > best.rule.level and _is_whole(best, image_files, mask_files):
            break
        attempt = _try(rule, image_files, mask_files, series_of)
        if attempt.contested:
            if disputed is None or attempt.size > disputed.size:
                disputed = attempt
        elif best is None or attempt.size > best.size:
            if best is None or _extends(attempt, best):
                best = attempt
        elif (
            best.rule.level == attempt.rule.level >= 4
            and attempt.size == best.size
            and attempt.pairs != best.pairs
        ):
            _refuse_two_ways(best, attempt, images, masks)
    if disputed and (
        best is None or not best.pairs or _reaches_more(disputed, best, len(mask_files))
    ):
        _ask(disputed, images, masks)
    if best is None or not best.pairs:
        raise UserError(_no_pairs(image_files, mask_files))
    lonely_masks = _without(mask_files, [m for found in best.pairs.values() for m in found])
    pairing = Pairing(best.rule.name, best.pairs, _without(image_files, best.pairs), lonely_masks)
    _refuse_doubtful(pairing)
    left = set(lonely_masks)
    if any(left.issuperset(one.pictures) for one in masks):
        _ask_which('masks', images, masks, 'there are several kinds of masks')
    return pairing


def _try(
    rule: Rule,
    images: Sequence[Picture],
    masks: Sequence[Picture],
    series_of: Mapping[Picture, int],
) -> _Attempt:
    image_of: dict[Hashable, list[Picture]] = defaultdict(list)
    masks_of: dict[Hashable, list[Picture]] = defaultdict(list)
    for pictures, key_of, found in ((images, rule.image, image_of), (masks, rule.mask, masks_of)):
        for picture in pictures:
            key = key_of(picture)
            if key is not None:
                found[key].append(picture)
    pairs: dict[Picture, list[Picture]] = {}
    contested = []
    for key, candidates in image_of.items():
        own = masks_of.get(key, [])
        if not own:
            continue
        one_series = len({series_of[mask] for mask in own}) == 1
        if len(candidates) > 1 or (len(own) > 1 and not (rule.several and one_series)):
            contested.append((candidates, own))
        elif not any(_contradict(candidates[0], mask) for mask in own):
            pairs[candidates[0]] = own
    attempt = _Attempt(rule, pairs, contested)
    incomplete = attempt.size < len(images) + len(masks) or contested
    return _Attempt(rule, {}, []) if rule.whole and incomplete else attempt


def _contradict(image: Picture, mask: Picture) -> bool:
    """Say whether two names or their folders tell different patients, scenes or splits apart."""
    if image.split and mask.split and image.split != mask.split:
        return True
    shorter, longer = sorted((image.inner, mask.inner), key=len)
    if shorter and longer[-len(shorter) :] != shorter and longer[: len(shorter)] != shorter:
        return True
    (words, numbers), (other_words, other_numbers) = map(_words_and_numbers, (image, mask))
    same_form = words == other_words and len(numbers) == len(other_numbers)
    return same_form and numbers != other_numbers


def _words_and_numbers(picture: Picture) -> tuple[list[str], list[int]]:
    found = [word for word in words_of(picture.stem) if not is_role(word)]
    return [w for w in found if not w.isdecimal()], [int(w) for w in found if w.isdecimal()]


def _is_whole(attempt: _Attempt, images: Sequence[Picture], masks: Sequence[Picture]) -> bool:
    """Say whether no less sure rule can add to an attempt."""
    paired = sum(map(len, attempt.pairs.values()))
    return paired == len(masks) or (len(attempt.pairs) == len(images) and attempt.rule.level < 2)


def _extends(attempt: _Attempt, best: _Attempt) -> bool:
    """Say whether a less sure rule keeps what a surer one has found."""
    return all(
        set(attempt.pairs.get(image, ())) >= set(masks) for image, masks in best.pairs.items()
    )


def _reaches_more(disputed: _Attempt, best: _Attempt, masks: int) -> bool:
    """Say whether a rule with doubts reaches masks that the best one leaves alone."""
    paired = sum(map(len, best.pairs.values()))
    reached = sum(map(len, disputed.pairs.values())) + sum(len(m) for _, m in disputed.contested)
    return paired < masks and reached > paired and disputed.rule.level < 4


def _ask(disputed: _Attempt, images: Sequence[Series], masks: Sequence[Series]) -> None:
    candidates, own = disputed.contested[0]
    for what, found, choice in (('images', candidates, images), ('masks', own, masks)):
        involved = [s for s in choice if any(picture in s.pictures for picture in found)]
        if len(involved) > 1:
            seen = f'{_shown(found)} may all be {what} of one picture'
            _ask_which(what, images, masks, seen, involved)
    raise UserError(
        f'{_shown(candidates)} and {_shown(own)} may belong together in several ways '
        f'({disputed.rule.name}), and so do {len(disputed.contested) - 1:,} more; rename them, '
        'move copies away, or say with --images and --masks which are meant'
    )


def _ask_which(
    what: str,
    images: Sequence[Series],
    masks: Sequence[Series],
    seen: str,
    series: Sequence[Series] | None = None,
) -> None:
    """Ask which of several series are the images, or the masks; masks may be meant together."""
    series = series or masks
    answers = {
        f"--{what} '{option_for(one, [*images, *masks])}'": f'{len(one.pictures):,} files, such as '
        f'{_name(one.pictures[0])}'
        for one in series
    }
    folders = _folders(series)
    alone = len(folders) == 1 and '' not in folders and folders.isdisjoint(_folders(images))
    if what == 'masks' and alone and len(series) > 1:
        together = Series('mask', tuple(p for one in series for p in one.pictures))
        with suppress(UserError):  # where they pair, all can be meant
            pair(images, [together])
            answers[f"--masks '{folders.pop()}'"] = 'all of them, joined'
    raise QuestionError(f'{seen}: which do you mean?', answers)


def _folders(series: Sequence[Series]) -> set[str]:
    return {picture.path.parent.name for one in series for picture in one.pictures}


def _refuse_doubtful(pairing: Pairing) -> None:
    """Refuse pairs that are few, or that may be shifted by a number."""
    lonely = pairing.lonely_images, pairing.lonely_masks
    few = min(len(one) + len(pairing.pairs) for one in lonely) > 2 * len(pairing.pairs)
    forms = [{_form(picture) for picture in one} for one in lonely]
    if few or forms[0] & forms[1]:
        what = 'only ' if few else ''
        why = '' if few else '; numbers that are shifted would look like this'
        raise UserError(
            f'{what}{len(pairing.pairs):,} images pair with a mask ({pairing.rule}), '
            f'{len(lonely[0]):,} images have none ({_shown(lonely[0])}) and {len(lonely[1]):,} '
            f'masks no image ({_shown(lonely[1])}){why}; rename the files so that an image and its '
            'mask have one name, or move those without a partner away'
        )


def _form(picture: Picture) -> tuple[str, ...]:
    """Return a name without roles, its numbers as '#'."""
    found = (word for word in words_of(picture.stem) if not is_role(word))
    return tuple('#' if word.isdecimal() else word for word in found)


def _refuse_two_ways(
    one: _Attempt, other: _Attempt, images: Sequence[Series], masks: Sequence[Series]
) -> None:
    """Ask where two rules that are equally sure pair files in two ways."""
    image = next(i for i in one.pairs if one.pairs[i] != other.pairs.get(i))
    found = [*one.pairs[image], *other.pairs.get(image, [])]
    involved = [series for series in masks if not set(found).isdisjoint(series.pictures)]
    if len(involved) > 1:
        _ask_which('masks', images, masks, f'{_shown(found)} may all be masks of one picture')
    raise UserError(
        f'{_name(image)} may belong to {" or to ".join(map(_name, found))}: names have several '
        'numbers in common; rename the files so that an image and its mask have one name'
    )


def _no_pairs(images: Sequence[Picture], masks: Sequence[Picture]) -> str:
    return (
        f'no name of the {len(images):,} images ({_shown(images)}) fits one of the '
        f'{len(masks):,} masks ({_shown(masks)}); rename the files so that an image and its mask '
        'have one name, or say with --images and --masks which are meant'
    )


def _without(pictures: Sequence[Picture], taken: object) -> list[Picture]:
    found = set(taken)  # type: ignore[call-overload]
    return [picture for picture in pictures if picture not in found]


def _name(picture: Picture) -> str:
    return repr(str(picture.path))


def _shown(pictures: Sequence[Picture]) -> str:
    return some([str(picture.path) for picture in pictures])


def lonely_note(what: str, pictures: Sequence[Picture]) -> str:
    """Return a line about files without a partner."""
    names: list[PurePosixPath] = [picture.path for picture in pictures]
    return f'{len(names):,} {what} without a partner, left out: {some([str(n) for n in names])}'
