"""Images ranked by how suspicious their labels are, and the files that hold the ranking."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..base.csv_cells import as_cell
from ..base.whole_file import whole_file
from .copies import find_copies, fingerprint
from .evidence import Evidence, evidence
from .faults import Ordinary, kind_of, reason
from .unseen import Image, Opinion

#: Longest side at which labels are judged, in pixels; larger ones are reduced.
SIDE = 256


#: The disagreement of a copy counts this much, against 1.5 for another label's.
_COPIED = 4.0


@dataclass(frozen=True)
class Verdict:
    """How suspicious a label is, and of what.

    Attributes:
        suspicion: how far it is beyond the ordinary, see ``Ordinary``; 0 is ordinary.
        kind: kind of the fault that explains it best, one of ``KINDS``.
        owner: index of the label that it is a copy of and that fits its own image better; None
            where there is none.
    """

    suspicion: float
    kind: str
    owner: int | None = None


@dataclass(frozen=True)
class Finding:
    """What an audit says of the label of an image.

    Attributes:
        image: the image.
        evidence: what speaks against its label.
        verdict: what comes of it.
        reason: what speaks for the kind of the fault, in words.
    """

    image: Image
    evidence: Evidence
    verdict: Verdict
    reason: str


def weigh(opinion: Opinion) -> tuple[Evidence, np.ndarray, tuple[float, float]]:
    """Return what speaks against a label, its fingerprint, and the file's pixels for one of it."""
    probability, label = opinion.probability, opinion.label
    shrink = SIDE / max(label.shape)
    if shrink < 1:
        height, width = (max(1, round(side * shrink)) for side in label.shape)
        probability = cv2.resize(probability, (width, height), interpolation=cv2.INTER_AREA)
        label = cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    height, width = opinion.file_size
    scale = width / label.shape[1], height / label.shape[0]
    return evidence(probability, label), fingerprint(label), scale


def verdicts(found: Sequence[Evidence], copies: Mapping[int, int]) -> list[Verdict]:
    """Return a verdict on each label of a data set.

    Args:
        found: what speaks against each label.
        copies: index of a label -> index of the one that it is a copy of, or that is one of it.
    """
    ordinary = Ordinary.of(found)
    beyond = [ordinary.beyond('disagreement', one.disagreement(one.lost)) for one in found]
    result = []
    for index, one in enumerate(found):
        suspicion, kind, owner = ordinary.suspicion(one), kind_of(one, ordinary), copies.get(index)
        if owner is None or beyond[index] < max(1, beyond[owner] + 1):  # the owner's fits better
            result.append(Verdict(suspicion, kind))
        else:
            copied = max(suspicion, _COPIED * beyond[index])
            result.append(Verdict(copied, 'another object', owner))
    return result


def rank(opinions: Iterable[Opinion]) -> list[Finding]:
    """Return a finding for each image, the most suspicious first."""
    images, found, prints, scales = [], [], [], []
    for opinion in opinions:
        images.append(opinion.image)
        one, its_print, scale = weigh(opinion)
        found.append(one)
        prints.append(its_print)
        scales.append(scale)
    findings = []
    for index, verdict in enumerate(verdicts(found, find_copies(np.stack(prints)))):
        words = reason(verdict.kind, found[index], scales[index])
        if verdict.owner is not None:
            words = (
                f'Dice {found[index].overlap:.2f} with the prediction; the same mask as that of '
                f'{images[verdict.owner].name}, where it has {found[verdict.owner].overlap:.2f}'
            )
        findings.append(Finding(images[index], found[index], verdict, words))
    return sorted(findings, key=lambda one: (-one.verdict.suspicion, one.image.name))


def write_list(findings: Sequence[Finding], path: Path) -> None:
    """Write ids with their reasons, as ``exclude`` takes them."""
    with whole_file(path) as file:
        file.write(
            '# Labels to look at, the most suspicious first. Delete the lines of those that are '
            "right,\n# then leave the others out of the data set: exclude = 'PATH OF THIS LIST'\n"
        )
        for one in findings:
            kind = f'{one.verdict.kind} ({one.verdict.suspicion:.1f})'
            file.write(f'{one.image.name}  # {kind}: {one.reason}\n')


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
                    *(
                        as_cell(one.image.name),
                        one.image.split,
                        round(one.verdict.suspicion, 3),
                        one.verdict.kind,
                    ),
                    *(round(one.evidence.overlap, 4), *strength, one.reason),
                ]
            )
