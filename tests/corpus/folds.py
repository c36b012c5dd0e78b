"""Cross-validation of data sets and configs that cannot have it."""

from collections.abc import Callable
from pathlib import Path

from custom_modules.base.errors import UserError
from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.commands.cross_validation import build_fold_sweep
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


MASKS = str(PROJECT_ROOT / 'configs' / 'binary_masks_unet.py')

#: Folds of ten images, options of the config, part of the message, or of what is done.
SWEEPS: dict[str, tuple[int, list[str], str, str]] = {
    '0': (0, [], '--folds 0: use 2 or more, such as 5', ''),
    '1': (1, [], '--folds 1: use 2 or more, such as 5', ''),
    '-5': (-5, [], '--folds -5: use 2 or more, such as 5', ''),
    '9 of nine images': (9, [], '', '9 folds'),
    '10 of nine images': (10, [], '10 folds are too many: there are 9 images in train and val', ''),
    '5 of images that are all tested': (
        5,
        ['fractions=(0.0,0.0,1.0)'],
        "the split 'train' is empty",
        '',
    ),
    '5 without a test in the config': (
        5,
        ['test_dataloader=None', 'test_cfg=None', 'test_evaluator=None'],
        'test_dataloader = None is not allowed here',
        '',
    ),
    '5 without a validation': (
        5,
        ['val_dataloader=None', 'val_cfg=None', 'val_evaluator=None'],
        '',
        '5 folds',
    ),
    '5 of a few tested images': (
        5,
        ['test_dataloader.dataset.indices=2'],
        'test_dataloader.dataset.indices = 2 would leave out images that are held out',
        '',
    ),
    '5 that validate on other data': (
        5,
        ['val_dataloader.dataset.data_root=elsewhere'],
        "val_dataloader.dataset is another data set than that of the training: data_root is 'elsew",
        '',
    ),
    '5 of two data sets at once': (
        5,
        [
            "train_dataloader.dataset=dict(type='ConcatDataset', _delete_=True, datasets=["
            "dict(type='BinaryMaskDataset', data_root='a'), "
            "dict(type='BinaryMaskDataset', data_root='b')])"
        ],
        'divides one data set, and train_dataloader.dataset holds several',
        '',
    ),
}


def _sweep(folds: int, options: list[str]) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        write_pairs(folder, STEMS)
        options_of_it = [f'data_root={folder}', *options]
        sweep = build_fold_sweep([MASKS], folds, work_dir=str(folder), options=options_of_it)
        return f'{len(sweep.experiments)} folds'

    return run


def _grown(folder: Path) -> str:
    """Begin a fold, and add an image."""
    write_pairs(folder, STEMS)
    words = dict(work_dir=str(folder / 'runs'), options=[f'data_root={folder}'])
    sweep = build_fold_sweep([MASKS], 5, **words)  # type: ignore[arg-type]
    sweep.check()
    run = sweep.experiments[0].folder / '2000'
    run.mkdir(parents=True)
    (run / 'last.pth').touch()
    build_fold_sweep([MASKS], 5, **words).check()  # type: ignore[arg-type]
    write_pairs(folder, ['q'])
    build_fold_sweep([MASKS], 5, **words).check()  # type: ignore[arg-type]
    raise UserError('the folds were gone on with')


FOLDS = (
    *(
        Case('--folds', name, _sweep(folds, options), refused=said, read=out)
        for name, (folds, options, said, out) in SWEEPS.items()
    ),
    Case('--folds', 'of a data set that has grown since', _grown, refused='are of other images'),
    *(
        Case('fold', name, _masks(fold, arguments), refused=said)
        for name, (fold, arguments, said) in ARGUMENTS.items()
    ),
    Case('fold', 'of a list of the test alone', _only_a_test, refused="the split 'train' is empty"),
    Case(
        'fold', 'of pets that are tested alone', _pets_without_a_training, refused='trainval.txt: '
    ),
)
