"""The picture of a learning-rate range test."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from .curves import COLOURS, DOT
from .figure_file import save_figure


def save_learning_rate_curve(
    rates: np.ndarray,
    losses: np.ndarray,
    smoothed: np.ndarray,
    marks: Mapping[str, int],
    path: Path,
    title: str,
) -> None:
    """Draw the loss over the learning rate.

    Args:
        rates: (N,) learning rates, drawn on a logarithmic axis.
        losses: (N,) loss of the batch at each rate.
        smoothed: (N,) moving average of the losses.
        marks: name of a marked point -> its index in ``smoothed``.
        path: path of the picture to write.
        title: title above the picture.

    Raises:
        UserError: ``path`` cannot be written.
    """
    figure = Figure(figsize=(7.2, 4.0), dpi=120)
    axis = figure.subplots()
    axis.plot(rates, losses, color='0.75', linewidth=1.0, label='of each batch')
    axis.plot(rates, smoothed, color=COLOURS[0], linewidth=1.8, label='smoothed')
    for (name, index), colour in zip(marks.items(), COLOURS[1:], strict=False):
        label = f'{name}, {rates[index]:.1e}'
        axis.plot(rates[index], smoothed[index], color=colour, label=label, **DOT)
    axis.set_xscale('log')
    # The end of a range test is off the scale of everything before it.
    top = float(np.percentile(losses, 90))
    low, high = float(losses.min()), max(top, float(smoothed[: len(losses) // 2 + 1].max()))
    margin = 0.1 * (high - low) or 1.0
    axis.set_ylim(low - margin, high + 2 * margin)
    axis.set_xlabel('learning rate')
    axis.set_ylabel('training loss')
    axis.set_title(title, fontsize=11)
    axis.grid(alpha=0.25)
    axis.spines[['top', 'right']].set_visible(False)
    axis.legend(frameon=False, fontsize=9.5)
    figure.tight_layout()
    save_figure(figure, path)
