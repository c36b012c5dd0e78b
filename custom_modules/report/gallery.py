"""Pictures inside the page: what the best, the median and the worst images look like."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..base.errors import UserError
from ..config.held_datasets import changed
from ..config.untrusted import check_data
from ..config.written import resolved
from ..datasets.seeded_dataset import SeededDataset
from ..runs.comparison import Comparison
from ..runs.scored_run import ScoredRun
from ..visualization.comparison_figure import Column, Score, System, choose_images, read_column
from ..visualization.contact_sheet import Example, error_map, spotlight
from ..visualization.examples import choose

#: Longest side of a picture, in pixels.
_SIDE = 256


@dataclass(frozen=True)
class Picture:
    """A picture as ``src`` of an ``img``, and what it shows."""

    source: str
    text: str


@dataclass(frozen=True)
class Row:
    """An image with its pictures."""

    group: str
    name: str
    note: str
    pictures: list[Picture]


class Gallery:
    """Pictures of runs that were tested on the same images.

    Args:
        runs: tested runs with masks in their folders.

    Raises:
        UserError: the data of the first run's config is not there.
    """

    def __init__(self, runs: Sequence[ScoredRun]) -> None:
        self.dataset = _dataset(runs[0])
        self.positions = self.dataset.positions()
        self.systems = [_system(run) for run in runs]

    def _column(self, name: str, systems: Sequence[System]) -> Column:
        if name not in self.positions:
            raise UserError(f'{name}: was tested, but the data set has no such image')
        return read_column(self.dataset, self.positions[name], name, systems)

    def worst_median_best(self, number: int, each: int) -> list[Row]:
        """Return rows of image, truth, prediction and errors of one run.

        Images without foreground are left out: their Dice is 0 or 1 and shows nothing.

        Args:
            number: index of the run among the gallery's runs, from 0.
            each: number of images in each of the three groups.

        Raises:
            UserError: a mask is missing or was scored on another ground truth.
        """
        system = self.systems[number]
        names = [name for name, score in system.scores.items() if score.foreground]
        names = names or list(system.scores)
        rows = []
        for group, index in choose([system.scores[name].dice for name in names], each):
            column = self._column(names[index], [system])
            mask = column.predictions[0]
            note = f'Dice {column.scores[0]:.3f}'
            rows.append(
                Row(
                    group,
                    column.name,
                    note,
                    [
                        encode(column.image, f'{column.name}: image'),
                        encode(spotlight(column.image, column.truth == 1), 'ground truth'),
                        encode(spotlight(column.image, mask == 1), f'prediction, {note}'),
                        encode(_errors(column.image, column, 0), 'errors'),
                    ],
                )
            )
        return rows

    def side_by_side(self, names: Sequence[str]) -> list[Row]:
        """Return for each image: itself, the truth, and the prediction of each run with its errors.

        Raises:
            UserError: a mask is missing or was scored on another ground truth.
        """
        rows = []
        for name in names:
            column = self._column(name, self.systems)
            pictures = [
                encode(column.image, f'{name}: image'),
                encode(spotlight(column.image, column.truth == 1), 'ground truth'),
            ]
            for number, system in enumerate(self.systems):
                kept = spotlight(column.image, column.predictions[number] == 1)
                text = f'{system.name}: Dice {column.scores[number]:.3f}'
                pictures.append(encode(_errors(kept, column, number), text))
            rows.append(Row('', name, '', pictures))
        return rows

    def across_the_ranking(self, number: int) -> list[Row]:
        """Return ``side_by_side`` of images at equal steps through the mean Dice of the runs."""
        ranked = sum(score.foreground > 0 for score in self.systems[0].scores.values())
        return self.side_by_side(choose_images(self.systems, min(number, ranked)))

    def changed_most(self, comparison: Comparison, each: int) -> tuple[list[Row], list[Row]]:
        """Return ``side_by_side`` of the most improved and the most worsened images."""
        better, worse = (
            self.side_by_side([change.id for change in changes[:each]])
            for changes in (comparison.better, comparison.worse)
        )
        return better, worse


def _dataset(run: ScoredRun) -> SeededDataset:
    """Return the test's data; its config is untrusted, so what it names is looked through.

    Raises:
        UserError: the config names something else than PetSeg ships, or its data is not there.
    """
    source = str(run.folder)
    loader = resolved(run.config(), source).get('test_dataloader')
    dataset = loader.get('dataset') if isinstance(loader, dict) else None
    if not isinstance(dataset, dict):
        raise UserError(f'{source}: its config has no test_dataloader.dataset')
    check_data(dict(test_dataloader=dict(dataset=dataset)), source)
    try:
        return SeededDataset.build(changed(dataset, cache=False))  # not for a few images
    except UserError:
        raise
    except Exception as error:  # what wrong arguments make a data set stumble over has no end
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f'{source}: the data set of its config cannot be built ({reason})'
        ) from None


def _system(run: ScoredRun) -> System:
    scores = {name: Score(row['tp'] + row['fn'], row['dice']) for name, row in run.rows.items()}
    return System(run.label, run.folder, scores)


def _errors(image: np.ndarray, column: Column, number: int) -> np.ndarray:
    return error_map(Example(column.name, image, column.truth, column.predictions[number]))


def encode(image: np.ndarray, text: str) -> Picture:
    """Return a picture (H, W, 3) uint8 RGB for a page, with the text that says what it shows."""
    shrink = _SIDE / max(image.shape[:2])
    if shrink < 1:
        image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 86])
    return Picture(f'data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}', text)
