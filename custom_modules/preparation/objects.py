"""Several masks of one image: of an object each, or of the same drawn by several people?"""

import os
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path, PurePosixPath

from .mask_kinds import MaskRule
from .patterns import shared_pattern
from .question import QuestionError

#: Images that are looked at, and the overlap (intersection over union) of masks of one thing.
_LOOKED_AT, _SAME = 20, 0.5


def refuse_copies(
    folder: Path, masks: Mapping[PurePosixPath, Sequence[PurePosixPath]], rule: MaskRule
) -> None:
    """Ask where the masks of an image cover each other: joined, they would say more than any.

    Raises:
        QuestionError: two masks of one image have most of their foreground in common.
    """
    several = [image for image, own in masks.items() if len(own) > 1]
    for image in several[:: 1 + len(several) // _LOOKED_AT]:
        found = [rule.apply(folder / image, [folder / mask]) == 255 for mask in masks[image]]
        for (n, one), (k, other) in combinations(enumerate(found), 2):
            if (one & other).sum() > _SAME * max(1, (one | other).sum()):
                _ask(image, [masks[image][n], masks[image][k]], list(masks.values()))


def _ask(
    image: PurePosixPath, copies: Sequence[PurePosixPath], every: Sequence[Sequence[PurePosixPath]]
) -> None:
    patterns = [shared_pattern(mask) for mask in copies]
    whole = f'{os.path.commonprefix(patterns)}*{copies[0].suffix}'  # noqa: RUF071
    if image.parent != copies[0].parent:
        whole = copies[0].parent.name
    answers = {f"--masks '{text}'": f'masks such as {copies[n]}' for n, text in enumerate(patterns)}
    answers[f"--masks '{whole}'"] = f'all of them, joined ({sum(map(len, every)):,} files)'
    raise QuestionError(
        f'{copies[0]} and {copies[1]} of {image} show nearly the same: which do you mean?', answers
    )
