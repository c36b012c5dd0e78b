"""Labels that a network contradicts: how much, in what way, and what is made of it."""

import csv
import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from custom_modules.audit.copies import find_copies, fingerprint
from custom_modules.audit.evidence import evidence
from custom_modules.audit.faults import KINDS, Ordinary, kind_of, reason
from custom_modules.audit.findings import verdicts
from custom_modules.audit.judges import find_runs, read_judge
from custom_modules.audit.unseen import opinions, unseen_images
from custom_modules.base.errors import UserError
from custom_modules.commands.audit_labels import LIST, PAGE, TABLE, audit_labels
from custom_modules.datasets import BinaryMaskDataset
from custom_modules.datasets.seeded_dataset import SeededDataset
from tests.audited_run import SIDE, disc, write_pair, write_run
from tests.chromium import cut_without_a_sign, launched
from tests.conftest import Command

SURE = 0.98


def said(mask: np.ndarray) -> np.ndarray:
    """Return probabilities of a network that is sure of a mask."""
    return np.where(mask == 1, SURE, 1 - SURE).astype(np.float32)


#: Of a pixel: q = sigmoid(log(0.98 / 0.02) / 2) is 0.875, so 2 q - 1 is 0.75.
VOTE = 0.75


def test_agreement_is_the_sum_of_the_votes() -> None:
    seen = np.zeros((8, 8), np.uint8)
    seen[2:6, 2:6] = 1
    label = np.roll(seen, 2, axis=1)  # 4 to 7: eight pixels of it are seen, eight are not
    found = evidence(said(seen), label)
    assert (found.pixels, found.labelled, found.predicted) == (64, 16, 16)
    assert found.overlap == 0.5
    assert found.lost == pytest.approx((16 - (8 - 8)) * VOTE)
    assert found.shift == (-2, 0) and found.shift_gain == pytest.approx(16 * VOTE)
    # The inverted label: 40 pixels outside, of the 48 that are not labelled 8 are seen.
    assert found.overlap_inverted == pytest.approx(2 * 8 / (48 + 16))
    assert found.strength['disagreement'] == pytest.approx(12 / 32)
    assert evidence(said(seen), seen).lost == pytest.approx(0)


def test_what_does_not_count_has_no_vote() -> None:
    label = disc()
    label[:16] = 255
    found = evidence(said(disc()), label)
    assert found.pixels == 512 and found.lost == pytest.approx(0) and found.overlap == 1
    empty = evidence(said(disc()), np.full((SIDE, SIDE), 255, np.uint8))
    assert empty.pixels == 1 and empty.lost == 0 and empty.overlap == 1


def test_a_network_that_doubts_loses_less() -> None:
    label = disc(12)
    sure, doubtful = (
        evidence(np.where(disc() == 1, p, 1 - p).astype(np.float32), label) for p in (0.98, 0.6)
    )
    assert sure.lost > 5 * doubtful.lost > 0


def ragged(mask: np.ndarray) -> np.ndarray:
    """Return a mask with teeth, four pixels wide and three deep, on its outline."""
    rows = np.arange(len(mask)) % 8 < 4
    outer, inner = (cv2.erode(mask, np.ones((1, n))) for n in (1, 7))
    return np.where(rows[:, None], outer, inner).astype(np.uint8)


def grown(mask: np.ndarray, by: int) -> np.ndarray:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(by) + 1,) * 2)
    return cv2.dilate(mask, kernel) if by > 0 else cv2.erode(mask, kernel)


LARGE = 96
SEEN = disc(48, 48, 24, LARGE)

#: Kind -> a label of that kind, where the network sees SEEN, and what the reason says.
FAULTS: dict[str, tuple[np.ndarray, str]] = {
    'inverted': (1 - SEEN, 'Dice 0.00 with the prediction, 1.00 the other way round'),
    'empty': (SEEN * 0, 'no foreground, the network sees foreground in 19% of the image'),
    'full': (SEEN * 0 + 1, 'nothing but foreground, the network sees foreground in 19%'),
    'shifted': (np.roll(SEEN, (-6, 10), (0, 1)), 'better 20 px to the left and 12 px down'),
    'too large': (grown(SEEN, 7), 'better 14 px smaller all around'),
    'too small': (grown(SEEN, -7), 'better 14 px larger all around'),
    'another object': (disc(16, 80, 9, LARGE) + disc(84, 12, 9, LARGE), 'which is elsewhere'),
    'ragged outline': (ragged(SEEN), 'times as rough'),
    'part missing': (
        np.where(np.arange(LARGE) < 56, SEEN, 0),
        'the label has 14% of the image, the network sees 19%',
    ),
    'part too much': (
        (SEEN + np.where(np.arange(LARGE) > 60, disc(64, 64, 22, LARGE), 0)).clip(0, 1),
        'the label has 27% of the image, the network sees 19%',
    ),
}


def ordinary() -> Ordinary:
    """Return what is ordinary among labels that are a pixel off here and there."""
    labels = [grown(SEEN, 1), SEEN, grown(SEEN, -1), np.roll(SEEN, 1, 0), np.roll(SEEN, -1, 1)]
    return Ordinary.of([evidence(said(SEEN), label) for label in labels])


@pytest.mark.parametrize('kind', KINDS)
def test_kinds_are_told_apart(kind: str) -> None:
    label, words = FAULTS[kind]
    found, usual = evidence(said(SEEN), label.astype(np.uint8)), ordinary()
    assert kind_of(found, usual) == kind
    assert usual.suspicion(found) > 3
    assert words in reason(kind, found, (2.0, 2.0))


def test_the_size_of_object_and_image_does_not_decide() -> None:
    small, large = (
        evidence(said(disc(r, r, r // 2, side)), disc(r + r // 8, r, r // 2, side))
        for r, side in ((16, 32), (64, 128), (16, 128))[:2]
    )
    far = evidence(said(disc(64, 64, 8, 128)), disc(66, 64, 8, 128))
    for name in ('disagreement', 'shift'):
        assert small.strength[name] == pytest.approx(large.strength[name], rel=0.15)
        assert far.strength[name] == pytest.approx(large.strength[name], rel=0.15)


def test_what_is_ordinary_is_the_middle_of_the_data() -> None:
    found = [evidence(said(SEEN), np.roll(SEEN, n, 1)) for n in (0, 1, 2, 3, 30)]
    usual = Ordinary.of(found)
    beyond = {}
    for name in ('disagreement', 'shift'):
        strengths = [one.strength[name] for one in found]
        assert usual.middle[name] == pytest.approx(strengths[2])
        # Nine tenths of the way from the first to the last of five: 0.6 from the fourth on.
        high = strengths[3] + 0.6 * (strengths[4] - strengths[3])
        beyond[name] = (strengths[4] - strengths[2]) / (high - strengths[2])
        assert usual.beyond(name, strengths[4]) == pytest.approx(beyond[name])
    assert usual.suspicion(found[4]) == pytest.approx(1.5 * beyond['disagreement'])
    alone = Ordinary.of(found[:1])
    assert alone.suspicion(found[0]) == 0 and alone.spread['shift'] == 0.01


def test_a_label_of_another_image_is_found_by_its_copy() -> None:
    masks = [disc(20 + 5 * n, 30 + n, 10 + n, LARGE) for n in range(8)]
    labels = [*masks[:7], masks[2]]
    copies = find_copies(np.stack([fingerprint(one) for one in labels]))
    assert copies == {2: 7, 7: 2}
    # That of another size and ratio is the same mask; empty and full ones are not told apart.
    wide = cv2.resize(masks[2], (150, 70), interpolation=cv2.INTER_NEAREST_EXACT)
    nothing = [masks[0] * 0, masks[0] * 0, masks[0] * 0 + 1, masks[0] * 0 + 1]
    assert find_copies(np.stack([fingerprint(one) for one in (wide, masks[2], *nothing)])) == {
        0: 1,
        1: 0,
    }
    assert find_copies(np.stack([fingerprint(one) for one in nothing])) == {}
    assert find_copies(fingerprint(wide)[None]) == {}
    found = [evidence(said(seen), label) for seen, label in zip(masks, labels, strict=True)]
    judged = verdicts(found, copies)
    assert [one.owner for one in judged] == [None] * 7 + [2]
    assert judged[7].kind == 'another object'
    assert judged[7].suspicion > verdicts(found, {})[7].suspicion


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set of ten images, three of them tested with labels that are wrong."""
    folder = tmp_path / 'data'
    for number in range(10):
        seen = disc(12 + number, 16, 7)
        label = {7: 1 - seen, 8: seen * 0, 9: np.roll(seen, 6, 0)}.get(number, seen)
        write_pair(folder, f'p{number}', seen, label)
    for split, digits in dict(train='0123', val='456', test='789').items():
        (folder / f'{split}.txt').write_text(''.join(f'p{digit}\n' for digit in digits))
    return folder


def test_a_run_judges_what_it_did_not_train_on(data: Path, tmp_path: Path) -> None:
    run = write_run(data, tmp_path / 'run')
    result = audit_labels(str(run), number=4)
    kinds = {one.image.name: one.verdict.kind for one in result.findings[:3]}
    assert kinds == dict(p7='inverted', p8='empty', p9='shifted')
    assert len(result.findings) == 6 and result.networks == 1
    assert {one.image.split for one in result.findings} == {'val', 'test'}
    with open(result.folder / TABLE) as file:
        rows = list(csv.DictReader(file))
    assert [row['id'] for row in rows] == [one.image.name for one in result.findings]
    assert float(rows[0]['suspicion']) > 1 > float(rows[-1]['suspicion'])
    lines = (result.folder / LIST).read_text().splitlines()[2:]
    assert [line.split()[0] for line in lines] == [row['id'] for row in rows[:4]]
    # The list is one that data sets take.
    kept = BinaryMaskDataset(str(data), 'val', exclude=str(result.folder / LIST))
    assert len(kept) + kept.num_excluded == 3
    page = (result.folder / PAGE).read_text()
    assert page.count('<figure') == 4 and page.count('src="data:image/jpeg') == 16
    for one in result.findings[:4]:
        assert f'<strong>{one.image.name}</strong>' in page and one.reason in page
    assert "default-src 'none'" in page and not re.search(r'(src|href)="(?!data:)', page)


def test_an_image_that_was_learned_is_judged_by_nobody(data: Path, tmp_path: Path) -> None:
    run = write_run(data, tmp_path / 'run')
    with pytest.raises(UserError, match=r'trained on all 4 images of train.*--folds 5'):
        audit_labels(str(run), splits=['train'])
    # Of a checkpoint that does not say what it was trained on the config's training set counts.
    old = write_run(data, tmp_path / 'old', dict(train_images=None))
    with pytest.raises(UserError, match='trained on all 4 images'):
        audit_labels(str(old), splits=['train'])
    # An image that has moved into the test split since is left out of it.
    (data / 'train.txt').write_text('p0\np1\np2\n')
    (data / 'test.txt').write_text('p7\np8\np9\np3\n')
    judge = read_judge(run)
    assert [image.name for image in unseen_images([judge], ['test'])[0]] == ['p7', 'p8', 'p9']


def test_runs_of_a_sweep_judge_together(data: Path, tmp_path: Path) -> None:
    first = write_run(data, tmp_path / 'sweep' / 'a' / '1')
    marks = read_judge(first).train_images
    assert marks is not None
    (data / 'train.txt').write_text('p3\np4\np5\np6\n')
    (data / 'val.txt').write_text('p0\np1\np2\n')
    second = write_run(data, tmp_path / 'sweep' / 'b' / '2')
    for run in (first, second):
        run.with_name('latest').symlink_to(run.name)
    runs = find_runs(str(tmp_path / 'sweep'))
    assert runs == [first, second]
    judges = [read_judge(run) for run in runs]
    found, learned = unseen_images(judges, ('train', 'val', 'test'))
    images = {image.name: image.judges for image in found}
    assert learned == 1  # both trained on p3
    assert images == {
        **{f'p{n}': [1] for n in (0, 1, 2)},
        **{f'p{n}': [0] for n in (4, 5, 6)},
        **{f'p{n}': [0, 1] for n in (7, 8, 9)},
    }
    # The mean of two that say the same is what one says.
    with torch.no_grad():
        judges[1].model.decode_head.logits.bias -= 100
    images_of_both = [i for i in unseen_images(judges, ['test'])[0] if i.name == 'p7']
    (opinion,) = opinions(judges, images_of_both, 2, 0)
    assert opinion.probability[16, 19] == pytest.approx(0.5, abs=1e-3)
    assert opinion.file_size == (SIDE, SIDE)
    assert np.array_equal(opinion.label, 1 - disc(19, 16, 7))


def test_the_last_weights_of_a_fold_judge(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(data, tmp_path / 'run')
    checkpoint = torch.load(run / 'best.pth', weights_only=True)
    checkpoint['state_dict']['decode_head.logits.bias'] += 1
    torch.save(checkpoint, run / 'last.pth')
    assert read_judge(run).model.decode_head.logits.bias.item() == -4
    monkeypatch.setattr('custom_modules.audit.judges.described', lambda *_: '(0, 3)')
    assert read_judge(run).model.decode_head.logits.bias.item() == -3


def test_a_config_with_parts_of_ones_own_is_executed_only_if_asked(
    data: Path, tmp_path: Path
) -> None:
    run = write_run(data, tmp_path / 'run')
    values = json.loads((run / 'merged_config.json').read_text())
    values['custom_imports'] = dict(imports=['nothing_of_this_name'])
    (run / 'merged_config.json').write_text(json.dumps(values))
    with pytest.raises(UserError, match=r'parts of your own, add --own-parts'):
        audit_labels(str(run))
    assert audit_labels(str(run), own_parts=True, number=1).findings
    moved = data.rename(tmp_path / 'moved')
    result = audit_labels(
        str(run), own_parts=True, number=1, options=[f'data_root={moved}'], out=str(tmp_path / 'o')
    )
    assert (tmp_path / 'o' / PAGE).is_file() and len(result.findings) == 6


def test_the_tool(data: Path, tmp_path: Path, run_tool_here: Command) -> None:
    run = write_run(data, tmp_path / 'run')
    ended = run_tool_here('audit_labels.py', run, '--split', 'test', '--out', tmp_path / 'out')
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert any('p7  inverted: Dice 0.0' in line for line in lines)
    assert '3 labels judged, networks: 1' in lines
    ended = run_tool_here('audit_labels.py', run, '--number', '0')
    assert ended.returncode == 2 and '--number 0: use 1 or more' in ended.stderr


def test_the_page_in_a_browser(data: Path, tmp_path: Path) -> None:
    result = audit_labels(str(write_run(data, tmp_path / 'run')))
    with launched() as browser:
        assert cut_without_a_sign(browser, result.folder / PAGE) == []


def test_a_data_set_without_files_cannot_say_what_was_learned(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = read_judge(write_run(data, tmp_path / 'run'))
    numbers = SeededDataset([1, 2, 3])
    monkeypatch.setattr('custom_modules.audit.unseen._dataset', lambda *_: numbers)
    with pytest.raises(UserError, match='nobody knows which images it trained on'):
        unseen_images([judge], ['test'])


def test_files_of_one_name_and_size_are_images_of_their_own(data: Path, tmp_path: Path) -> None:
    """Their marks are one, so that both count as learned where one was."""
    run = write_run(data, tmp_path / 'run')
    twin = tmp_path / 'twin'
    shutil.copytree(data, twin)
    judge = read_judge(run)
    for split in ('val', 'test'):
        judge.config[f'{split}_dataloader']['dataset']['data_root'] = str(twin)
    both = dict(
        type='ConcatDataset',
        datasets=[
            dict(judge.config.test_dataloader['dataset'], data_root=str(root))
            for root in (data, twin)
        ],
    )
    judge.config.test_dataloader['dataset'] = both
    images, learned = unseen_images([judge], ['test'])
    assert [image.name for image in images] == ['p7', 'p8', 'p9', 'p7_2', 'p8_2', 'p9_2']
    assert learned == 0
