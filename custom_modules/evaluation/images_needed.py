"""How many images a difference between two runs needs to be believed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from .bootstrap import LEVEL

#: Share of the tests that are to show a difference which is there.
POWER = 0.8

#: Normal quantiles of the interval (1.96) and of the power (0.84).
_Z_LEVEL, _Z_POWER = NormalDist().inv_cdf((1 + LEVEL) / 2), NormalDist().inv_cdf(POWER)


@dataclass(frozen=True)
class ImagesNeeded:
    """A mean difference over images, and the images it takes to tell it from chance.

    Attributes:
        tested: number of images that it was measured on.
        difference: mean over the images of the paired differences.
        deviation: standard deviation of the differences; where images belong together, the one that
            independent images would have to have for the mean to be as uncertain as it is.
    """

    tested: int
    difference: float
    deviation: float

    @property
    def interval(self) -> int | None:
        """Images from which on the 95 % interval leaves out 0; None where no number does."""
        return self._images(_Z_LEVEL)

    @property
    def power(self) -> int | None:
        """Images of which four tests in five show the difference; None where no number does."""
        return self._images(_Z_LEVEL + _Z_POWER)

    @property
    def too_few(self) -> bool:
        """Whether there is a difference, and fewer images than its interval needs."""
        return bool(self.difference) and (self.interval is None or self.tested < self.interval)

    def _images(self, deviations: float) -> int | None:
        if not self.difference or not math.isfinite(self.deviation):
            return None
        return max(2, math.ceil((deviations * self.deviation / self.difference) ** 2))


def images_needed(
    differences: Sequence[float], together: Sequence[str] | None = None
) -> ImagesNeeded:
    """Return how many images the mean of paired differences needs, by the normal approximation.

    The number is n = (z s / d)^2, with z = 1.96 for the 95 % interval and 1.96 + 0.84 for a power
    of 80 %, d the mean difference and s the deviation of the differences.

    Args:
        differences: difference of each image, second run minus first.
        together: group of each image, such as a patient, where images are not independent; None
            where they are.
    """
    values = np.asarray(differences, np.float64)
    mean = round(float(values.mean()), 12)  # what rounding leaves of equal sums is no difference
    errors = values - values.mean()
    if together is not None:
        _, group = np.unique(together, return_inverse=True)
        errors = np.bincount(group, weights=errors)
    if len(errors) < 2:  # one image, or one group, says nothing about others
        return ImagesNeeded(len(values), mean, math.nan)
    variance = (errors**2).sum() / len(values) * len(errors) / (len(errors) - 1)
    return ImagesNeeded(len(values), mean, math.sqrt(variance))


def describe_needed(needed: ImagesNeeded) -> str:
    """Return the sentence that a person reads: what the images tell, and how many it would take."""
    if not needed.difference:
        return 'The mean Dice is the same: there is no difference to believe'
    shown = f'a difference of {needed.difference:+.4f} in Dice'
    if needed.interval is None or needed.power is None:
        return f'One image, or one group of them, cannot tell {shown} from chance'
    enough = 'too few' if needed.too_few else 'enough'
    return (
        f'{needed.tested:,} images are {enough} to believe {shown}: of images like these about '
        f'{needed.interval:,} put the 95 % interval on one side of 0, and about {needed.power:,} '
        'do so in four tests of five'
    )
