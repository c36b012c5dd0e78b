"""How many wrong labels an audit finds: python -m benchmarks.label_audit DATA --folder FOLDER

Of Oxford-IIIT Pet's trainval, 5 % of the labels are made wrong in six ways with a fixed seed; three
folds of the laptop recipe's smaller net train on them at 128x128, and every label is judged by
the net that had not seen it. The folds can be stopped and gone on with; what they say is kept in
the folder, so that another score needs no training. Then the labels as they are published are
judged, those of the test split by all three. Writes ``results/audit/``.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from custom_modules.audit.copies import find_copies, fingerprint
from custom_modules.audit.evidence import evidence
from custom_modules.audit.faults import reason
from custom_modules.audit.findings import verdicts
from custom_modules.audit.judges import Judge, read_judge
from custom_modules.audit.unseen import opinions, unseen_images
from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.runs.environment import environment
from custom_modules.runs.run_folder import find_run

from .corrupted_labels import CORRUPTIONS, write_corrupted

CONFIG = 'configs/laptop/half_resnet34_unet_pet_128.py'
FOLDS, EPOCHS, SHARE, SEED = 3, 5, 0.05, 0
RESULTS = PROJECT_ROOT / 'results' / 'audit'

#: Of cleanlab's score; its default.
TEMPERATURE = 0.1

#: Corruptions that change what an object is, and not only where its outline lies.
GROSS = ('inverted', 'empty', 'other')

#: Published labels that the result names, and how many of them are written.
_LISTED = 40


def train(data: Path, folder: Path, options: Sequence[str]) -> list[Judge]:
    """Train the folds, as far as that is not done, and return them."""
    judges = []
    for fold in range(FOLDS):
        place = folder / f'fold_{fold}'
        if not (place / 'done').is_file():
            command = [sys.executable, 'tools/train.py', CONFIG, '--work-dir', str(place)]
            command += ['--resume', '--cfg-options', *_fold(data, fold), *options]
            subprocess.run(command, cwd=PROJECT_ROOT, check=True)
            (place / 'done').touch()
        judges.append(read_judge(find_run(place)))
    return judges


def _fold(data: Path, fold: int) -> list[str]:
    """Return ``key=value`` texts of a fold's training, which is validated once."""
    chosen = [f'{stage}_dataloader.dataset.fold=({fold},{FOLDS})' for stage in ('train', 'val')]
    return [
        f'data_root={data}',
        f'max_epochs={EPOCHS}',
        f'train_cfg.val_interval={EPOCHS}',
        *chosen,
    ]


def said_by(judges: Sequence[Judge], splits: Sequence[str], path: Path) -> Mapping[str, np.ndarray]:
    """Return names, probabilities (N, H, W) and labels (N, H, W); what is in a file is read."""
    if not path.is_file():
        found = list(opinions(judges, unseen_images(judges, splits)[0], 16, 1))
        np.savez(
            path,
            names=np.array([one.image.name for one in found]),
            probabilities=np.stack([one.probability for one in found]).astype(np.float16),
            labels=np.stack([one.label for one in found]),
        )
    return dict(np.load(path))


def softmin(probability: np.ndarray, label: np.ndarray) -> float:
    """Return cleanlab's score of a label, as a suspicion: 1 less its softmin."""
    confidence = np.where(label == 1, probability, 1 - probability).astype(np.float64)[label != 255]
    weights = np.exp((1 - confidence) / TEMPERATURE)
    return 1 - float((confidence * weights).sum() / weights.sum())


def overlap(probability: np.ndarray, label: np.ndarray) -> float:
    """Return 1 less the Dice of label and prediction."""
    mask, truth = probability > 0.5, label == 1
    return 1 - 2 * (mask & truth).sum() / max(1, mask.sum() + truth.sum())


def area_under_curve(scores: np.ndarray, wrong: np.ndarray) -> float:
    """Return the probability that a wrong label has the higher score; a tie counts half."""
    ordered, right = np.sort(scores[~wrong]), scores[wrong]
    below, up_to = (np.searchsorted(ordered, right, side) for side in ('left', 'right'))
    return float((below + up_to).mean() / 2 / len(ordered))


def judge_of(scores: np.ndarray, kinds: np.ndarray) -> dict[str, object]:
    """Return how well scores find the wrong labels, whose ``kinds`` are not empty."""
    wrong = kinds != ''
    first = np.zeros(len(scores), bool)
    first[np.argsort(-scores, kind='stable')[: round(SHARE * len(scores))]] = True
    rows = {
        kind: dict(
            labels=int((kinds == kind).sum()),
            first=round(float(first[kinds == kind].mean()), 4),
            auc=round(area_under_curve(*_with(scores, kinds, kind)), 4),
        )
        for kind in CORRUPTIONS
        if (kinds == kind).any()
    }
    return dict(
        precision=round(float(wrong[first].mean()), 4),
        gross_first=round(float(first[np.isin(kinds, GROSS)].mean()), 4),
        auc=round(area_under_curve(scores, wrong), 4),
        kinds=rows,
    )


def _with(scores: np.ndarray, kinds: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    kept = (kinds == '') | (kinds == kind)
    return scores[kept], kinds[kept] != ''


def corrupted_result(said: Mapping[str, np.ndarray], corrupted: Mapping[str, str]) -> dict:
    """Return what each score finds, and how the wrong labels are called."""
    pairs = list(zip(said['probabilities'].astype(np.float32), said['labels'], strict=True))
    kinds = np.array([corrupted.get(name, '') for name in said['names']])
    found = [evidence(*pair) for pair in pairs]
    judged = verdicts(found, find_copies(np.stack([fingerprint(one) for one in said['labels']])))
    alone = verdicts(found, {})
    scores = dict(
        audit=np.array([one.suspicion for one in judged]),
        without_copies=np.array([one.suspicion for one in alone]),
        softmin=np.array([softmin(*pair) for pair in pairs]),
        dice=np.array([overlap(*pair) for pair in pairs]),
    )
    named = {
        kind: [one.kind for one, its in zip(judged, kinds, strict=True) if its == kind]
        for kind in CORRUPTIONS
    }
    right = {kind: names.count(CORRUPTIONS[kind]) for kind, names in named.items()}
    dice = np.array([one.overlap for one in found])[kinds == '']
    return dict(
        labels=len(kinds),
        wrong=int((kinds != '').sum()),
        dice_of_the_nets=round(float(dice.mean()), 4),
        scores={name: judge_of(values, kinds) for name, values in scores.items()},
        named_rightly=round(sum(right.values()) / int((kinds != '').sum()), 4),
        named={
            kind: {n: names.count(n) for n in sorted({*names})} for kind, names in named.items()
        },
    )


def published_result(parts: Sequence[Mapping[str, np.ndarray]]) -> list[dict]:
    """Return the most suspicious of the published labels."""
    names = [str(name) for part in parts for name in part['names']]
    found, prints = [], []
    for part in parts:
        for pair in zip(part['probabilities'].astype(np.float32), part['labels'], strict=True):
            found.append(evidence(*pair))
            prints.append(fingerprint(pair[1]))
    judged = verdicts(found, find_copies(np.stack(prints)))
    order = sorted(range(len(found)), key=lambda i: -judged[i].suspicion)
    rows = []
    for index in order[:_LISTED]:
        verdict = judged[index]
        words = reason(verdict.kind, found[index])
        if verdict.owner is not None:
            words = f'the same mask as {names[verdict.owner]}'
        row = dict(id=names[index], suspicion=round(verdict.suspicion, 1), kind=verdict.kind)
        rows.append(row | dict(reason=words))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('data', type=Path, help='Oxford-IIIT Pet, prepared')
    parser.add_argument('--folder', type=Path, required=True, help='for the folds and their words')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()
    data, folder = args.data.resolve(), args.folder.resolve()
    corrupted = write_corrupted(data, folder / 'data', SHARE, SEED)
    judges = train(folder / 'data', folder, args.cfg_options)
    said = said_by(judges, ['val'], folder / 'corrupted.npz')
    result = corrupted_result(said, corrupted)
    for judge in judges:
        judge.config.merge_from_dict(
            {
                f'{split}_dataloader.dataset.data_root': str(data)
                for split in ('train', 'val', 'test')
            }
        )
    published = [said_by(judges, [split], folder / f'{split}.npz') for split in ('val', 'test')]
    protocol = (
        f'{result["wrong"]:,} of {result["labels"]:,} labels of trainval made wrong in six ways; '
        f'{FOLDS} folds, {EPOCHS} epochs of {CONFIG}, 128x128; each label judged by the net that '
        f'had not seen it, whose Dice on the right labels is {result["dice_of_the_nets"]:.3f}'
    )
    RESULTS.mkdir(parents=True, exist_ok=True)
    whole = dict(
        protocol=protocol, **result, published=published_result(published), **environment()
    )
    path = RESULTS / 'pets.json'
    path.write_text(json.dumps(whole, indent=1) + '\n', encoding='utf-8')
    print(json.dumps(result, indent=1))
    print(path.relative_to(PROJECT_ROOT))


if __name__ == '__main__':
    main()
