"""The reports' figure: image, ground truth and the masks of several systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from mmengine.config import Config
from mmengine.dataset import BaseDataset

from ..base.errors import UserError, did_you_mean
from ..base.paths import resolve_path
from ..base.shell import shell_command
from ..datasets.image_io import read_mask
from ..datasets.seeded_dataset import SeededDataset
from ..runs.per_image_csv import read_rows
from .contact_sheet import INVENTED, MISSED, Example, error_map, spotlight
from .examples import image_and_truth
from .figure_file import save_figure


@dataclass(frozen=True)
class Score:
    """A row of ``per_image.csv``: the foreground of the truth in pixels, and the Dice."""

    foreground: int
    dice: float


@dataclass(frozen=True)
class System:
    """The results of one system.

    Attributes:
        name: title of the system's row.
        folder: folder that ``tools/test.py --out`` wrote; holds ``masks/<id>.png`` and
            ``per_image.csv``.
        scores: id of an image -> its scores, for each image that the system was tested on.
    """

    name: str
    folder: Path
    scores: dict[str, Score]


def find_systems(arguments: Sequence[str]) -> list[System]:
    """Read the results that the command line names, each as ``NAME=FOLDER``.

    Raises:
        UserError: an argument has no ``=``, a name comes twice, a folder lacks its results, or the
            systems were tested on different images.
    """
    systems: list[System] = []
    for argument in arguments:
        name, _, folder = argument.partition('=')
        if not (name and folder):
            raise UserError(
                f'{argument}: write NAME=FOLDER, a name for the row and an --out of tools/test.py'
            )
        if name in [system.name for system in systems]:
            raise UserError(f'{argument}: another system is called {name!r}; choose another name')
        systems.append(System(name, resolve_path(folder), read_scores(resolve_path(folder))))
    first, *others = systems
    for other in others:
        different = sorted(first.scores.keys() ^ other.scores.keys())
        if different:
            raise UserError(
                f'{first.name} and {other.name} were tested on different images '
                f'({len(different)} in one of them only, such as {different[0]}); '
                'test both on one split'
            )
    return systems


def read_scores(folder: Path) -> dict[str, Score]:
    """Return the scores of ``per_image.csv`` by the images' ids.

    Raises:
        UserError: the file or ``masks`` is not in ``folder``, or the file is not of a test.
    """
    rows = read_rows(folder / 'per_image.csv')
    if not (folder / 'masks').is_dir():
        raise UserError(
            f'{folder}: has no masks; make it with '
            + shell_command('test', 'CONFIG', 'CHECKPOINT', '--out', folder)
        )
    return {row['id']: Score(row['tp'] + row['fn'], row['dice']) for row in rows}


def choose_by_quantile(scores: Sequence[float], number: int) -> list[int]:
    """Return the indices of ``number`` scores at equal steps through their ranking.

    The first is the lowest and the last the highest, two thirds of the way lies the score that two
    thirds are below; one alone is the median. Nobody's taste is in it.

    Raises:
        UserError: there are fewer than ``number`` scores, or ``number`` is not positive.
    """
    if not 1 <= number <= len(scores):
        raise UserError(f'--number {number}: choose from 1 to {len(scores)} images')
    ranking = sorted(range(len(scores)), key=lambda i: scores[i])
    if number == 1:
        return [ranking[(len(ranking) - 1) // 2]]
    steps = number - 1
    return [ranking[(i * (len(ranking) - 1) + steps // 2) // steps] for i in range(number)]


def choose_images(systems: Sequence[System], number: int) -> list[str]:
    """Return the ids of ``number`` images, evenly across the quantiles of the systems' mean Dice.

    Images whose ground truth is empty are left out: their Dice is 0 or 1 and shows nothing.

    Raises:
        UserError: there are fewer than ``number`` images with foreground.
    """
    ids = sorted(name for name, score in systems[0].scores.items() if score.foreground)
    means = [float(np.mean([system.scores[name].dice for system in systems])) for name in ids]
    return [ids[index] for index in choose_by_quantile(means, number)]


def compare_masks(
    config: Config,
    systems: Sequence[System],
    path: Path,
    ids: Sequence[str] = (),
    number: int = 6,
) -> list[str]:
    """Write the figure: rows image, ground truth and one per system; a column per image.

    The images are the ones asked for, or ``number`` that ``choose_images`` takes without looking at
    them, from the worst to the best; the caption says which. A prediction is shown as the part of
    the image it keeps, with what it missed in orange and what it invented in blue.

    Args:
        config: resolved config; its test data set gives images and ground truth.
        systems: systems that were tested on that data set.
        path: path of the picture to write.
        ids: ids of the images to show; empty for a choice by quantiles.
        number: number of images to choose where no ids are given.

    Returns:
        The ids of the images shown, a column each.

    Raises:
        UserError: an id is unknown, a mask is missing, the systems were tested on other data than
            the config's, or ``path`` cannot be written.
    """
    known = systems[0].scores
    for name in ids:
        if name not in known:
            near = did_you_mean(name, known)
            raise UserError(
                f'--ids {name}: not among the {len(known):,} images of {systems[0].folder}{near}'
            )
    chosen = list(dict.fromkeys(ids)) or choose_images(systems, number)
    dataset = SeededDataset.build(config.test_dataloader['dataset'])
    positions = dataset.positions()
    columns = []
    for name in chosen:
        if name not in positions:
            raise UserError(
                f'{config.filename}: the image {name} of {systems[0].folder} is not in its test '
                'split; give the config the systems were tested with'
            )
        columns.append(read_column(dataset, positions[name], name, systems))
    caption = f'chosen by hand from {len(known):,} images'
    if not ids:
        score = 'Dice' if len(systems) == 1 else 'mean Dice of the systems'
        ranked = sum(row.foreground > 0 for row in known.values())
        caption = (
            f'{len(chosen)} of {ranked:,} images, chosen by rank: at equal steps from the '
            f'lowest to the highest {score}'
        )
    save_figure(_draw(columns, systems, caption), path)
    return chosen


@dataclass(frozen=True)
class Column:
    """One image, its ground truth and what the systems made of it."""

    name: str
    image: np.ndarray
    truth: np.ndarray
    predictions: list[np.ndarray]
    scores: list[float]


def read_column(
    dataset: BaseDataset, position: int, name: str, systems: Sequence[System]
) -> Column:
    """Read one image and the masks of the systems.

    Raises:
        UserError: a mask is missing, or it was scored on another ground truth.
    """
    image, truth = image_and_truth(dataset, position)
    predictions = []
    for system in systems:
        path = system.folder / 'masks' / f'{name}.png'
        if not path.is_file():
            raise UserError(f'{path}: the mask is missing; run tools/test.py with --out again')
        mask = read_mask(path) // 255
        foreground = int((truth == 1).sum())
        if mask.shape != truth.shape or system.scores[name].foreground != foreground:
            raise UserError(
                f"{system.folder}: {name} was scored on another ground truth than the config's "
                f'({_describe(mask.shape, system.scores[name].foreground)}; in the config '
                f'{_describe(truth.shape, foreground)}); give the options of the test with '
                '--cfg-options, such as image_size=... border=...'
            )
        predictions.append(mask)
    return Column(name, image, truth, predictions, [s.scores[name].dice for s in systems])


def _describe(shape: tuple[int, ...], foreground: int) -> str:
    height, width = shape
    return f'{width}x{height}, {foreground:,} pixels of foreground'


def _draw(columns: Sequence[Column], systems: Sequence[System], caption: str) -> Figure:
    side = 1.6  # inches of a picture
    rows = ('image', 'ground truth', *(system.name for system in systems))
    size = (side * len(columns) + 0.5, (side + 0.2) * len(rows) + 0.7)
    figure = Figure(figsize=size, dpi=120, layout='constrained')
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for axis, row in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(fill(row, 16), fontsize=11)
    for cells, column in zip(axes.T, columns, strict=True):
        pictures = [column.image, spotlight(column.image, column.truth == 1)]
        for mask in column.predictions:
            kept = spotlight(column.image, mask == 1)
            pictures.append(error_map(Example(column.name, kept, column.truth, mask)))
        for axis, picture in zip(cells, pictures, strict=True):
            axis.imshow(picture, aspect='equal')
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
        for axis, score in zip(cells[2:], column.scores, strict=True):
            axis.set_xlabel(f'Dice {score:.3f}', fontsize=9.5, labelpad=3)
        cells[0].set_title(column.name, fontsize=8)
    handles = [
        Patch(color='#{:02x}{:02x}{:02x}'.format(*colour), label=label)
        for colour, label in ((MISSED, 'missed'), (INVENTED, 'invented'))
    ]
    figure.legend(
        handles=handles,
        loc='outside lower left',
        ncols=2,
        frameon=False,
        fontsize=9,
        title=fill(caption, round(13 * size[0])),
        title_fontsize=9.5,
        alignment='left',
    )
    return figure
