"""Back ends of experiment trackers, kept from bending or ending a training."""

from collections.abc import Callable
from typing import Any

import numpy as np
from mmengine.logging import MMLogger
from mmengine.visualization import LocalVisBackend, MLflowVisBackend, Visualizer

from ..base.errors import UserError
from .rng import rng_state, set_rng_state

#: Methods by which MMEngine hands things to a back end.
_METHODS = ('add_config', 'add_graph', 'add_image', 'add_scalar', 'add_scalars', 'close')


def guard_trackers(visualizer: Visualizer, logger: MMLogger) -> None:
    """Let trackers neither draw from the training's random numbers nor end it.

    Some set the global seed when they start (ClearML), so that a run with them would find other
    weights than one without. A tracker that cannot start is an error, since nothing is lost yet;
    one that fails later, such as for a network that is gone, is left out for the rest of the run,
    with a warning. What MMEngine writes into the run's folder is no tracker.

    Args:
        visualizer: visualizer whose back ends are wrapped, in place.
        logger: logger that gets the warning.
    """
    for name, backend in getattr(visualizer, '_vis_backends', {}).items():
        if isinstance(backend, LocalVisBackend):  # its copy of the config has no variables
            backend.add_config = lambda *_, **__: None
            continue
        if isinstance(backend, MLflowVisBackend):
            backend.add_image = _as_png(backend.add_image)
        guard = _Guard(name, logger)
        for method in _METHODS:
            if hasattr(backend, method):
                setattr(backend, method, guard.around(getattr(backend, method)))


class _Guard:
    """What is known of one back end: whether it has started, and whether it is left out."""

    def __init__(self, name: str, logger: MMLogger) -> None:
        self.name, self.logger = name, logger
        self.started = self.left_out = False

    def around(self, method: Callable) -> Callable:
        """Return a method that does the same, or nothing once the back end has failed."""

        def call(*args: Any, **kwargs: Any) -> None:
            if self.left_out:
                return
            before = rng_state()
            try:
                method(*args, **kwargs)
                self.started = True
            except Exception as error:  # of a foreign package: its kinds have no end
                reason = (str(error) or type(error).__name__).strip().splitlines()[0]
                if not self.started and isinstance(error, ImportError):
                    raise  # what to install is said by `train`
                if not self.started:
                    raise UserError(f'vis_backends: {self.name} does not start: {reason}') from None
                self.left_out = True
                self.logger.warning(
                    f'{self.name} failed and is left out from here on; the run goes on: {reason}'
                )
            finally:
                set_rng_state(before)

        return call


def _as_png(add_image: Callable) -> Callable:
    """Return MLflow's method for pictures with names of files: it asks for an ending."""

    def add(name: str, image: np.ndarray, step: int = 0, **kwargs: object) -> None:
        add_image(f'{name}_{step}.png', image, step, **kwargs)

    return add
