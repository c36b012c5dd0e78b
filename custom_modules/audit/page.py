"""One HTML page of the most suspicious labels, which needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from .. import report, visualization
from ..base.whole_file import whole_file
from ..report.gallery import Picture, encode
from ..visualization.contact_sheet import Example, error_map, spotlight
from ..visualization.examples import image_and_truth
from .faults import KINDS
from .findings import Finding
from .unseen import Opinion

#: Longest side of a picture, in pixels.
_SIDE = 256


@dataclass(frozen=True)
class Audit:
    """What was judged, for the head of the page.

    Attributes:
        title: name of the run or sweep.
        networks: number of networks that judged.
        images: number of images that were judged.
        notes: further lines to know.
    """

    title: str
    networks: int
    images: int
    notes: Sequence[str]


def write_page(
    audit: Audit, shown: Sequence[tuple[Finding, Opinion]], listed: str, path: Path
) -> None:
    """Write the page.

    Args:
        audit: what was judged.
        shown: findings to show, in their order, with what was said of their images.
        listed: name of the list beside the page.
        path: path of the HTML file to write.

    Raises:
        UserError: ``path`` cannot be written.
    """
    packages = (__package__, '.'), (report.__name__, '.'), (visualization.__name__, 'templates')
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(*package) for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    counts = {kind: sum(one.verdict.kind == kind for one, _ in shown) for kind in KINDS}
    page = environment.get_template('audit.html').render(
        audit=audit,
        kinds=[(kind, counts[kind], KINDS[kind]) for kind in KINDS if counts[kind]],
        rows=[(one, _pictures(one, opinion)) for one, opinion in shown],
        listed=listed,
    )
    with whole_file(path, errors='replace') as file:
        file.write(page)


def _pictures(finding: Finding, opinion: Opinion) -> list[Picture]:
    """Return the image, its label, the prediction and where the two differ."""
    name = finding.image.name
    pixels, _ = image_and_truth(finding.image.dataset, finding.image.index)
    image = _upright(pixels, opinion.file_size, cv2.INTER_AREA)
    label = _upright(opinion.label, opinion.file_size, cv2.INTER_NEAREST_EXACT)
    likely = _upright(opinion.probability, opinion.file_size, cv2.INTER_LINEAR)
    mask = (likely > 0.5).astype(np.uint8)
    return [
        encode(image, f'{name}: image'),
        encode(spotlight(image, label == 1), 'label'),
        encode(spotlight(image, mask == 1), 'prediction'),
        encode(error_map(Example(name, image, label, mask)), 'where they differ'),
    ]


def _upright(values: np.ndarray, file_size: tuple[int, int], how: int) -> np.ndarray:
    """Return values (H, W) or (H, W, 3) with the ratio of the sides that the file has, small."""
    height, width = file_size
    shrink = _SIDE / max(height, width)
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    return cv2.resize(np.ascontiguousarray(values), size, interpolation=how)
