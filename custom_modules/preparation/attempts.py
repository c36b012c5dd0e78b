"""What a rule makes of the names of images and masks."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .files import Picture
from .keys import LEAST_SURE, Key, Rule

#: Pairs that a rule of the least sure kind has to find: names have something in common by chance.
_ENOUGH = 3


@dataclass(frozen=True)
class Attempt:
    """What a rule pairs.

    Attributes:
        rule: the rule.
        pairs: image -> its masks; several hold an object each.
        contested: images and masks of one key that can be paired in several ways.
    """

    rule: Rule
    pairs: dict[Picture, list[Picture]]
    contested: list[tuple[list[Picture], list[Picture]]]

    @property
    def paired_masks(self) -> int:
        """Number of masks that have an image."""
        return sum(map(len, self.pairs.values()))

    @property
    def size(self) -> int:
        """Number of images and masks that have a partner."""
        return len(self.pairs) + self.paired_masks

    @property
    def reached_masks(self) -> int:
        """Number of masks for which the rule finds any image."""
        return self.paired_masks + sum(len(masks) for _, masks in self.contested)

    def extends(self, other: 'Attempt') -> bool:
        """Say whether all that another rule has found is kept."""
        return all(
            set(self.pairs.get(image, ())) >= set(masks) for image, masks in other.pairs.items()
        )


def attempt(
    rule: Rule,
    images: Sequence[Picture],
    masks: Sequence[Picture],
    series_of: Mapping[Picture, int],
) -> Attempt:
    """Return what a rule pairs; nothing where it contradicts other parts of the names.

    Args:
        rule: rule to apply.
        images: all images.
        masks: all masks.
        series_of: mask -> number of its series; an image's masks of an object each are of one.
    """
    image_of, masks_of = _by_key(rule.image, images), _by_key(rule.mask, masks)
    found = Attempt(rule, {}, [])
    for key, candidates in image_of.items():
        own = masks_of.get(key, [])
        if not own:
            continue
        objects = rule.several and len({series_of[mask] for mask in own}) == 1
        if len(candidates) > 1 or (len(own) > 1 and not objects):
            found.contested.append((candidates, own))
        elif any(_contradict(candidates[0], mask) for mask in own):
            return Attempt(rule, {}, [])
        else:
            found.pairs[candidates[0]] = own
    whole = len(found.pairs) == len(images), found.paired_masks == len(masks)
    weak = rule.level >= LEAST_SURE and (not any(whole) or len(found.pairs) < _ENOUGH)
    if not found.contested and (weak or (rule.whole and not all(whole))):
        return Attempt(rule, {}, [])
    return Attempt(rule, {}, []) if rule.whole and found.contested else found


def _by_key(key_of: Key, pictures: Iterable[Picture]) -> dict[Hashable, list[Picture]]:
    found: dict[Hashable, list[Picture]] = defaultdict(list)
    for picture in pictures:
        key = key_of(picture)
        if key is not None:
            found[key].append(picture)
    return found


def _contradict(image: Picture, mask: Picture) -> bool:
    """Say whether two names or their folders tell different patients, scenes or splits apart."""
    if image.split and mask.split and image.split != mask.split:
        return True
    shorter, longer = sorted((image.inner, mask.inner), key=len)
    if shorter and longer[-len(shorter) :] != shorter and longer[: len(shorter)] != shorter:
        return True
    (words, numbers), (other_words, other_numbers) = image.form, mask.form
    same_form = words == other_words and len(numbers) == len(other_numbers)
    return same_form and numbers != other_numbers
