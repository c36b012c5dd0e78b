"""Cross-validation of data sets and configs that cannot have it."""

from collections.abc import Callable
from pathlib import Path

from custom_modules.datasets import BinaryMaskDataset, OxfordPetDataset

from .case import Case
from .splits import STEMS, write_pairs

NO_FOLD, TOO_MANY = 'use (k, n), with n = 2 or more folds', 'folds are too many: there are'

#: ``fold``, further arguments, part of the message.
ARGUMENTS: dict[str, tuple[object, dict[str, object], str]] = {
    'one fold': ((0, 1), {}, NO_FOLD),
    'no fold': ((0, 0), {}, NO_FOLD),
    'minus five folds': ((0, -5), {}, NO_FOLD),
    'the sixth of five folds': ((5, 5), {}, NO_FOLD),
    'a fold before the first': ((-1, 5), {}, NO_FOLD),
    'a number alone': (5, {}, NO_FOLD),
    'three numbers': ((0, 1, 5), {}, NO_FOLD),
    'half a fold': ((0.5, 5), {}, NO_FOLD),
    'True of two folds': ((True, 2), {}, NO_FOLD),
    'more folds than images': ((0, 10), {}, f'10 {TOO_MANY} 9 images in train and val; use 2 to 9'),
    'of all images, the test too': ((0, 5), dict(split='all'), 'goes with split = train, val, t'),
    'of images that are all tested': (
        (0, 5),
        dict(fractions=(0.0, 0.0, 1.0)),
        "the split 'train' is empty",
    ),
}


def _masks(fold: object, arguments: dict[str, object]) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        write_pairs(folder, STEMS)
        dataset = BinaryMaskDataset(str(folder), **({'fold': fold} | arguments))  # type: ignore[arg-type]
        return f'{len(dataset)} images'

    return run


def _only_a_test(folder: Path) -> str:
    write_pairs(folder, STEMS)
    (folder / 'test.txt').write_text('\n'.join(STEMS))
    return f'{len(BinaryMaskDataset(str(folder), fold=(0, 5)))} images'


def _pets_without_a_training(folder: Path) -> str:
    (folder / 'annotations').mkdir()
    (folder / 'annotations' / 'test.txt').write_text('cat_1 1 1 1\n')
    return f'{len(OxfordPetDataset(str(folder), fold=(0, 5)))} images'


FOLDS = (
    *(
        Case('fold', name, _masks(fold, arguments), refused=said)
        for name, (fold, arguments, said) in ARGUMENTS.items()
    ),
    Case('fold', 'of a list of the test alone', _only_a_test, refused="the split 'train' is empty"),
    Case(
        'fold', 'of pets that are tested alone', _pets_without_a_training, refused='trainval.txt: '
    ),
)
