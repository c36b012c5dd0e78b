"""Images ranked by how suspicious their labels are, and the files that hold the ranking."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..base.csv_cells import as_cell
from ..base.whole_file import whole_file
from .evidence import Evidence, evidence
from .faults import Ordinary, kind_of, reason
from .unseen import Image, Opinion

#: Longest side at which labels are judged, in pixels; larger ones are reduced.
SIDE = 256


@dataclass(frozen=True)
class Finding:
    """What an audit says of a label.

    Attributes:
        image: the image.
        evidence: what speaks against its label.
        suspicion: how far beyond the ordinary that is, see ``Ordinary``; 0 is ordinary.
        kind: kind of the fault that explains it best, one of ``KINDS``.
        reason: what speaks for that, in words.
    """

    image: Image
    evidence: Evidence
    suspicion: float
    kind: str
    reason: str


def weigh(opinion: Opinion) -> tuple[Evidence, tuple[float, float]]:
    """Return what speaks against a label, and pixels of the file for one of it: across, down."""
    probability, label = opinion.probability, opinion.label
    shrink = SIDE / max(label.shape)
    if shrink < 1:
        height, width = (max(1, round(side * shrink)) for side in label.shape)
        probability = cv2.resize(probability, (width, height), interpolation=cv2.INTER_AREA)
        label = cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    height, width = opinion.file_size
    return evidence(probability, label), (width / label.shape[1], height / label.shape[0])


def rank(opinions: Iterable[Opinion]) -> list[Finding]:
    """Return a finding for each image, the most suspicious first."""
    weighed = [(opinion.image, *weigh(opinion)) for opinion in opinions]
    ordinary = Ordinary.of([found for _, found, _ in weighed])
    findings = []
    for image, found, scale in weighed:
        kind = kind_of(found, ordinary)
        words = reason(kind, found, scale)
        findings.append(Finding(image, found, ordinary.suspicion(found), kind, words))
    return sorted(findings, key=lambda one: (-one.suspicion, one.image.name))


def write_list(findings: Sequence[Finding], path: Path) -> None:
    """Write ids with their reasons, as ``exclude`` takes them."""
    with whole_file(path) as file:
        file.write(
            '# Labels to look at, the most suspicious first. Delete the lines of those that are '
            "right,\n# then leave the others out of the data set: exclude = 'PATH OF THIS LIST'\n"
        )
        for one in findings:
            file.write(f'{one.image.name}  # {one.kind} ({one.suspicion:.1f}): {one.reason}\n')


def write_table(findings: Sequence[Finding], path: Path) -> None:
    """Write a row for each image that was judged, as CSV."""
    with whole_file(path, newline='', errors='surrogateescape') as file:
        table = csv.writer(file)
        table.writerow(
            ['id', 'split', 'suspicion', 'kind', 'dice', *findings[0].evidence.strength, 'reason']
        )
        for one in findings:
            strength = (np.round(value, 4) for value in one.evidence.strength.values())
            table.writerow(
                [
                    *(as_cell(one.image.name), one.image.split, round(one.suspicion, 3), one.kind),
                    *(round(one.evidence.overlap, 4), *strength, one.reason),
                ]
            )
