"""The one table of metrics: names, titles, what they average over, which direction is better.

What prints, keeps, draws, compares or watches metrics asks here, and takes them in this order.
Metrics of one's own stand behind them, see ``own_metrics.py``.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ..base.errors import UserError

#: What a metric averages over -> how its title and a printed line say it.
OVER = {'images': 'mean over images', 'pixels': 'all pixels', 'batches': 'mean over batches'}

_CHOICES = dict(over=(*OVER, ''), better=('greater', 'less'), level=('headline', 'main', 'detail'))

#: What a validation or a test gives beside metrics: facts about the data set.
COUNTS = ('num_images', 'num_empty')


@dataclass(frozen=True)
class MetricInfo:
    """What is known of a metric.

    Args:
        name: key in ``metrics.json``, and what a ``monitor`` calls it.
        label: name for people, without what it averages over; '' takes ``name``.
        over: what the metric averages over: 'images' for a mean over images, 'pixels' for a value
            of the pixels of all images together, 'batches' for a mean over batches; '' says nothing
            about it.
        better: which values are better: 'greater' or 'less'.
        column: column of ``per_image.csv`` whose mean over images is the metric, so that it has
            intervals; '' if there is none.
        level: where the metric is shown: 'headline' everywhere; 'main' neither in the line of an
            epoch nor in the curves of ``plot_curves.py``; 'detail' in ``metrics.json``, scalars and
            report alone.

    Raises:
        UserError: a value is none of those allowed, or a text is no line of at most 100 characters.
    """

    name: str
    label: str = ''
    over: str = ''
    better: str = 'greater'
    column: str = ''
    level: str = 'headline'

    def __post_init__(self) -> None:
        for key, value in asdict(self).items():
            if key in _CHOICES and value not in _CHOICES[key]:
                raise UserError(
                    f'MetricInfo: {key}={value!r:.60} is not allowed; use one of '
                    f'{", ".join(map(repr, _CHOICES[key]))}'
                )
            if not (isinstance(value, str) and value.isprintable() and len(value) <= 100):
                raise UserError(
                    f'MetricInfo: {key}={value!r:.60} is not allowed; use a line of at most 100 '
                    'characters'
                )
        if not self.name:
            raise UserError("MetricInfo: name='' is not allowed; use the metric's name")
        if not self.label:
            object.__setattr__(self, 'label', self.name)

    @property
    def title(self) -> str:
        """Label with what is averaged over: 'Dice, mean over images'."""
        return f'{self.label}, {OVER[self.over]}' if self.over else self.label

    @property
    def short_title(self) -> str:
        """``title``, without the mean over images, which is the usual one."""
        return self.label if self.over == 'images' else self.title

    @property
    def is_loss_term(self) -> bool:
        """Whether it is a part of the loss."""
        return self.name.startswith('loss_')

    @property
    def scalar(self) -> str:
        """Name in the scalars of a run, see ``scalar_name``."""
        return scalar_name(self.name)


_LOSS_TERMS = dict(bce='binary cross-entropy', dice='Dice', ce='cross-entropy')

#: The metrics of this project by their names, in the order in which they are shown.
METRIC_TABLE: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        MetricInfo('Dice', 'Dice', 'images'),
        MetricInfo('IoU', 'IoU', 'images'),
        MetricInfo('Dice_global', 'Dice', 'pixels', level='main'),
        MetricInfo('IoU_global', 'IoU', 'pixels', level='main'),
        MetricInfo('precision', 'precision', 'pixels', level='main'),
        MetricInfo('recall', 'recall', 'pixels', level='main'),
        MetricInfo('Dice_background', 'Dice of the background', 'images', level='detail'),
        MetricInfo('Dice_batches', 'Dice', 'batches', level='main'),
        MetricInfo('IoU_boundary', 'boundary IoU', 'images', column='iou_boundary', level='main'),
        MetricInfo('Dice_surface', 'surface Dice', 'images', column='dice_surface', level='main'),
        MetricInfo('loss', better='less'),
        *(
            MetricInfo(f'loss_{name}', f'loss term: {label}', better='less', level='detail')
            for name, label in _LOSS_TERMS.items()
        ),
    )
}


def scalar_name(name: str) -> str:
    """Return a metric's name in the scalars: ``loss_bce`` is ``bce``, ``IoU`` is ``iou``.

    A loss term that would have the name of a metric is told from it: ``loss_dice`` is
    ``dice_loss``.
    """
    bare = name.removeprefix('loss_')
    if bare != name and bare.lower() in {known.lower() for known in METRIC_TABLE}:
        return f'{bare}_loss'
    return bare.lower()


def scalar_names(names: Iterable[str]) -> dict[str, str]:
    """Return name -> ``scalar_name`` of metrics.

    Raises:
        UserError: two metrics would have one name in the scalars.
    """
    found: dict[str, str] = {}
    for name in names:
        other = found.setdefault(scalar_name(name), name)
        if other != name:
            raise UserError(
                f'{other!r} and {name!r} would both be {scalar_name(name)!r} in the scalars; give '
                'one of them another name'
            )
    return {name: scalar for scalar, name in found.items()}


def over_epochs(infos: Iterable[MetricInfo]) -> list[MetricInfo]:
    """Return metrics as they are shown over epochs: loss, headlines, loss terms, all others."""

    def place(info: MetricInfo) -> int:
        if info.name == 'loss':
            return 0
        return 1 if info.level == 'headline' else 2 if info.is_loss_term else 3

    return sorted(infos, key=place)
