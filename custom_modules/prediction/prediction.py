"""What a model says about one image, and what can be made of it."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..visualization.contact_sheet import blend, outline

#: Of the overlay: bluish green, which people with any colour vision can tell (Okabe and Ito).
OVERLAY = (0, 158, 115)


@dataclass(frozen=True)
class Prediction:
    """One image with the probability of the foreground in each of its pixels.

    Attributes:
        image: (H, W, 3) uint8 RGB, upright, at the file's resolution; of an image of other
            channels what can be looked at: grey, or its first three bands.
        probability: (H, W) float32, 0 to 1.
        threshold: probability above which a pixel is foreground, 0 to 1.
    """

    image: np.ndarray
    probability: np.ndarray
    threshold: float

    @cached_property
    def mask(self) -> np.ndarray:
        """(H, W) uint8, 0 background and 1 foreground."""
        return (self.probability > self.threshold).astype(np.uint8)

    @cached_property
    def area(self) -> int:
        """Pixels of the foreground."""
        return cv2.countNonZero(self.mask)

    @property
    def share(self) -> float:
        """Area as a share of the image, 0 to 1."""
        return self.area / self.mask.size

    @cached_property
    def box(self) -> tuple[int, int, int, int] | None:
        """Left, top, width and height of the foreground in pixels; None if there is none."""
        return tuple(cv2.boundingRect(self.mask)) if self.area else None

    @cached_property
    def confidence(self) -> float | None:
        """Mean probability of the foreground's pixels; None if there are none."""
        return cv2.mean(self.probability, self.mask)[0] if self.area else None

    def overlay(self) -> np.ndarray:
        """Return the image with the foreground tinted and outlined, (H, W, 3) uint8 RGB."""
        where = self.mask == 1
        return outline(blend(self.image, where, OVERLAY, share=0.4), where, OVERLAY)

    def cutout(self) -> np.ndarray:
        """Return the foreground on a transparent background, (H, W, 4) uint8 RGBA."""
        alpha = self.mask * np.uint8(255)
        return np.dstack([cv2.bitwise_and(self.image, self.image, mask=self.mask), alpha])
