"""Looking at a folder: what is in it, how it pairs, what its masks mean, which splits it has."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from ..base.errors import UserError
from ..base.kinds import integer
from ..base.progress import ProgressBar
from ..datasets.pairs_table import PairRow
from ..datasets.splits import check_fractions
from .answers import Answers
from .division import divide
from .faults import faults_error
from .files import list_folder
from .found_splits import counted, find_splits
from .groups import find_groups
from .images import ImageFindings, survey_images
from .mask_kinds import MaskRule, find_rule
from .near_duplicates import NearDuplicate, compare_images, lines_about
from .objects import refuse_copies
from .question import QuestionError
from .sources import Images, MasksOfAnnotations, MasksOfFiles, ReadsMasks, Source, find_source

#: Endings of files that are named, the most common first.
_ENDINGS = 8

#: Values of a mask that a line of a config holds.
_VALUES = 8


@dataclass(frozen=True)
class Cut:
    """How splits are cut where neither folders nor lists make them.

    Attributes:
        fractions: shares of train, val and test.
        seed: seed of the shuffle.
    """

    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0


@dataclass(frozen=True)
class Found:
    """What a folder holds, as far as a data set needs it.

    Attributes:
        folder: the folder.
        rows: image, mask, split and group of each pair, sorted; ``mask`` is empty where masks are
            to be converted.
        encodings: what the masks' files hold, value -> 0, 1 or 255 (ignored), where they are read
            where they lie; None where they are to be converted.
        images: what reads the images.
        masks: what knows the mask of an image.
        config_lines: lines for the config that the images need.
        notes: what was found, a line each, as it was said.
        near_duplicates: images in two splits that look alike.
    """

    folder: Path
    rows: list[PairRow]
    encodings: list[dict[int, int]] | None
    images: Images
    masks: ReadsMasks
    config_lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    near_duplicates: list[NearDuplicate] = field(default_factory=list)


def look(folder: Path, answers: Answers, cut: Cut, say: Callable[[str], None]) -> Found:
    """Find out what a folder holds; nothing is written.

    Args:
        folder: folder as somebody left it.
        answers: what the user says about it.
        cut: how splits are cut that are not there.
        say: function that is given each line about what was found, as soon as it is.

    Raises:
        QuestionError: the folder can be read in several ways.
        UserError: it holds no pairs, or files are faulty; all of them are named.
    """
    check_fractions(cut.fractions, cut.seed)
    if answers.threshold is not None:
        integer(0, 254).check('--threshold', answers.threshold)
    notes: list[str] = []

    def tell(*lines: str) -> None:
        notes.extend(lines)
        for line in lines:
            say(line)

    files = list_folder(folder)
    tell(_counted(folder, files))
    source = find_source(folder, files, answers)
    tell(*source.lines)
    given = find_splits(folder, files, source.masks, source.splits)
    groups, about_groups = find_groups(list(source.masks), answers.group_by)
    division = divide(source.masks, given.of, groups, cut.fractions, cut.seed)
    tell(*given.notes, *about_groups, *division.notes)
    splits = {image: division.of[image] for image in sorted(division.of)}
    rule: MaskRule | None = None
    faults: list[str] = []
    if source.annotations is None:
        rule, faults = _find_rule(folder, source, list(splits), answers)
    images, about = _survey(Images(folder, source.annotations), list(splits), answers)
    with ProgressBar('comparing images', len(splits)) as bar:
        near, unreadable = compare_images(images.read, splits, lambda n: bar.set(n, len(splits)))
    if faults or unreadable:
        raise faults_error([*faults, *unreadable], 'things are wrong')
    masks, encodings = _masks(folder, source, rule)
    tell(*(about.notes if about else ()), *(rule.notes if rule else ()), *lines_about(near))
    tell(f'splits: {counted(splits.values())}')
    rows = [
        PairRow(
            image=str(image),
            mask=str(source.masks[image][0]) if encodings else '',
            split=split,
            group=groups.get(image, ''),
        )
        for image, split in splits.items()
    ]
    lines = about.config_lines if about else []
    return Found(folder, rows, encodings, images, masks, lines, notes, near)


def _counted(folder: Path, files: Sequence[PurePosixPath]) -> str:
    endings = Counter(path.suffix.lower() or 'without ending' for path in files).most_common()
    shown = ', '.join(f'{number:,} {ending}' for ending, number in endings[:_ENDINGS])
    return f'{folder}: {len(files):,} files: {shown}{", ..." if len(endings) > _ENDINGS else ""}'


def _find_rule(
    folder: Path, source: Source, images: Sequence[PurePosixPath], answers: Answers
) -> tuple[MaskRule | None, list[str]]:
    """Return what the masks mean, or their faults, so that those of the images follow."""
    pairs = [(folder / image, [folder / mask for mask in source.masks[image]]) for image in images]
    try:
        with ProgressBar('looking at masks', len(pairs)) as bar:
            rule = find_rule(pairs, answers, lambda done: bar.set(done, len(pairs)))
    except QuestionError:
        raise
    except UserError as error:
        return None, [str(error)]
    if answers.masks is None:
        refuse_copies(folder, {image: source.masks[image] for image in images}, rule)
    return rule, []


def _survey(
    images: Images, names: Sequence[PurePosixPath], answers: Answers
) -> tuple[Images, ImageFindings | None]:
    """Return images that are read as what they hold asks for, and what that is."""
    files = images.files(names)
    if not files:
        return images, None
    with ProgressBar('looking at images', len(files)) as bar:
        found = survey_images(files, lambda done: bar.set(done, len(files)), answers.channels)
    return replace(images, reading=found.reading), found


def _masks(
    folder: Path, source: Source, rule: MaskRule | None
) -> tuple[ReadsMasks, list[dict[int, int]] | None]:
    """Return what knows the masks, and encodings where their files are read where they lie."""
    if rule is None:
        assert source.annotations is not None
        return MasksOfAnnotations(folder, source.annotations), None
    paths: Mapping[PurePosixPath, Sequence[Path]] = {
        image: [folder / mask for mask in masks] for image, masks in source.masks.items()
    }
    short = rule.encodings and max(map(len, rule.encodings)) <= _VALUES
    return MasksOfFiles(folder, paths, rule), rule.encodings if short else None
