"""What ``tools/prepare_data.py --from`` does: from anybody's folder to a config that trains."""

import re
import unicodedata
from pathlib import Path, PurePosixPath

import numpy as np
from mmengine.registry import MODELS
from torch import nn

from ..base.device import use_device
from ..base.errors import UserError
from ..base.paths import PROJECT_ROOT, short_path
from ..base.progress import ProgressBar
from ..base.shell import shell_command
from ..config import load_config
from ..datasets.channels import COLOURS, viewable
from ..datasets.pairs_table import PairRow
from ..engine.memory_use import available_memory
from ..models.activation_memory import kept_bytes
from ..preparation.answers import Answers
from ..preparation.facts import facts_of
from ..preparation.looking import Cut, Found, look
from ..preparation.near_duplicates import NearDuplicate
from ..preparation.plan import Line, Machine, plan
from ..preparation.volumes.pairs import of_slices, volumes_of, write_slices_of
from ..preparation.written import Place, refuse_other_work, write_config, write_images, write_masks
from ..visualization.pairs_page import AlikePair, ShownPair, save_pairs_page

#: Pairs on the page, and pairs of images that look alike.
SHOWN, ALIKE = 20, 10

#: Training images whose masks the plan goes by.
PLANNED = 200


def prepare_folder(
    source: Path,
    place: Place,
    answers: Answers,
    cut: Cut,
    overwrite: bool = False,
    plan_only: bool = False,
) -> None:
    """Look at a folder, say what it holds, and write a config that trains on it.

    Args:
        source: folder as somebody left it; nothing is written into it.
        place: name of the data set and where what is made of it goes.
        answers: what the user says about the folder.
        cut: how splits are cut that are not there.
        overwrite: whether an earlier data set of that name is replaced.
        plan_only: whether the plan is printed and nothing is written (but the slices of volumes).

    Raises:
        QuestionError: the folder can be read in several ways.
        UserError: it holds no data set, files are faulty, or something cannot be written.
    """
    if not plan_only:
        refuse_other_work(source, place, overwrite)

    def say(line: str) -> None:
        print(line, flush=True)

    if volumes := volumes_of(source):
        write_slices_of(volumes, place.slices, answers, say)
        source, answers = place.slices, of_slices(answers)
    found = look(source, answers, cut, say)
    rows = found.rows
    lines = _plan(found)
    for line in lines:
        say(f'plan: {line}')
    if plan_only:
        return
    if found.images.embedded:
        with ProgressBar('writing images', len(rows)) as bar:
            write_images(found, place, lambda done: bar.set(done, len(rows)))
        print(f'{short_path(place.images)}: {len(rows):,} images written, out of the annotations')
    if found.encodings is None:
        with ProgressBar('writing masks', len(rows)) as bar:
            rows = write_masks(found, place, lambda done: bar.set(done, len(rows)))
        print(f'{short_path(place.masks)}: {len(rows):,} masks written, 0, 255, 127 (ignored)')
    _write_page(found, rows, place)
    write_config(found, rows, place, lines)
    config = short_path(place.config)
    print(f'{config}: the config, with the splits in {place.table.name}')
    print(f'{short_path(place.page)}: look at it: are the outlines where they belong?')
    print(f'train with {shell_command("train", config)}')


def _plan(found: Found) -> list[Line]:
    """Return what data and machine decide about the training."""
    training = [row for row in found.rows if row.split == 'train']
    places = np.linspace(0, len(training) - 1, min(PLANNED, len(training))).astype(int)
    chosen = [training[place] for place in places]
    with ProgressBar('planning', len(chosen)) as bar:
        facts = facts_of(
            (found.masks.mask(PurePosixPath(row.image)) for row in chosen),
            len(training),
            lambda done: bar.set(done, len(chosen)),
        )
    on_gpu = use_device() == 'cuda'
    return plan(facts, Machine(available_memory(), on_gpu), _kept)


def _kept(base: str, factor: float, height: int, width: int) -> int:
    config = load_config(PROJECT_ROOT / 'configs' / Path(base).name, [f'width={factor}']).resolved
    model = MODELS.build(config.model)
    return kept_bytes(nn.Sequential(model.backbone, model.decode_head), COLOURS, height, width)


def place_of(source: Path, root: Path, name: str | None) -> Place:
    """Return where the data set of a folder goes; its name is the folder's unless one is given.

    Raises:
        UserError: the name is none for a file.
    """
    letters = unicodedata.normalize('NFKD', source.resolve().name).encode('ascii', 'ignore')
    slug = re.sub(r'[^a-z0-9]+', '_', letters.decode().lower()).strip('_')[:64]
    chosen = name or slug or 'mine'
    if not re.fullmatch(r'[A-Za-z0-9][\w-]{0,63}', chosen, re.ASCII):
        raise UserError(f'--name {chosen}: use letters, digits, _ and -, at most 64')
    return Place(chosen, root)


def _write_page(found: Found, rows: list[PairRow], place: Place) -> None:
    chosen = [rows[n] for n in np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).astype(int)]
    pairs = [
        ShownPair(
            image=_shown(found, row.image),
            mask=found.masks.mask(PurePosixPath(row.image)),
            title=row.image,
            split=row.split,
            mask_name=row.mask,
        )
        for row in chosen
    ]
    alike = [_alike(found, pair) for pair in found.near_duplicates[:ALIKE]]
    save_pairs_page(place.page, place.name, found.notes, pairs, alike, len(rows))


def _alike(found: Found, pair: NearDuplicate) -> AlikePair:
    one, other = (_shown(found, str(image)) for image in pair.images)
    titles = [f'{i} ({s})' for i, s in zip(pair.images, pair.splits, strict=True)]
    return AlikePair((one, other), (titles[0], titles[1]), pair.correlation)


def _shown(found: Found, image: str) -> np.ndarray:
    """Return an image as people see it, (H, W, 3) uint8 RGB: of many bands the first three."""
    pixels = found.images.read(PurePosixPath(image))
    is_bgr = pixels.shape[2] == COLOURS
    return viewable(np.ascontiguousarray(pixels[..., ::-1]) if is_bgr else pixels)
