"""What ``tools/publish.py`` does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ..base.errors import UserError
from ..base.file_names import refuse_forbidden
from ..base.json_file import write_json
from ..base.paths import make_writable
from ..base.stopping import signals_wait
from ..base.whole_file import staging_folder, whole_file
from ..config import LoadedConfig
from ..config.data_types import SECTIONS
from ..config.load import PUBLISHED_CONFIG
from ..config.untrusted import read_data_config
from ..export.model_card import Compared, model_card
from ..runs.checkpoint_io import PUBLISHED_WEIGHTS, load_checkpoint
from ..runs.metrics_json import read_metrics
from ..runs.published_folder import CARD, EXAMPLES, METRICS, ONNX
from ..runs.safetensors_io import as_float16, save_safetensors
from ..visualization.examples import SHEET
from .export import OutOfToleranceError, compare_bfloat16, compare_weights, export

#: Quality of the JPEG with the examples, of 100: text stays sharp, and a sheet below 300 kB.
_QUALITY = 85


def publish(
    config: LoadedConfig,
    checkpoint: str,
    folder: Path,
    *,
    metrics: Sequence[Path] = (),
    threshold: float | None = None,
    images: int = 200,
    small: bool = False,
    overwrite: bool = False,
) -> list[Path]:
    """Write a folder with all that a user of a trained model needs, and nothing that is executed.

    ``model.safetensors``, ``model.onnx`` (compared with PyTorch), ``config.json`` (resolved),
    ``metrics.json``, ``README.md`` (the model card), and ``examples.jpg`` where the test drew its
    examples. The folder appears whole or not at all. Its threshold is the one that the metrics were
    made with; its precision is 'auto' if bfloat16 keeps the masks on these images, 'fp32' if it
    does not, that of the config if nothing was compared.

    Args:
        config: loaded config of the model.
        checkpoint: ``.pth`` file with the trained weights.
        folder: folder to write.
        metrics: ``metrics.json`` of tests of this checkpoint, one for each resolution; the first is
            that of the folder, others become ``metrics_<resolution>.json`` and a table of the card.
            Empty takes the one beside the checkpoint.
        threshold: probability above which a pixel is foreground; None takes that of the metrics.
        images: number of test images to compare the ONNX file, bfloat16 and rounded weights on; 0
            compares nothing.
        small: whether weights are kept as float16 and no ONNX file is written, for a folder of a
            quarter of the size, which ``tools/export.py`` completes.
        overwrite: whether a folder that ``publish`` wrote before is replaced.

    Returns:
        Paths of the files in the folder, sorted.

    Raises:
        UserError: the folder is there or Windows does not allow its name, there are no metrics, the
            checkpoint is of another model, or the config names modules of one's own for more than
            metrics.
        OutOfToleranceError: the ONNX file or rounded weights give other masks.
    """
    refuse_forbidden(Path(folder.resolve().name), everywhere=True)
    if folder.exists() and not (overwrite and (folder / PUBLISHED_WEIGHTS).is_file()):
        hint = 'add --overwrite' if (folder / PUBLISHED_WEIGHTS).is_file() else 'choose another'
        raise UserError(f'{folder}: is there already; {hint}')
    sources = metrics or [Path(checkpoint).with_name(METRICS)]
    tests = _read_tests(sources)
    if threshold is None:
        threshold = tests[METRICS]['threshold']
    trained = load_checkpoint(checkpoint)
    make_writable(folder.resolve().parent, 'the folder')
    with staging_folder(folder.resolve()) as staging:
        made = staging / 'made'
        make_writable(made, 'the folder')
        values = _without_lists(_without_own_metrics(config.data))
        _set(values, 'model', 'threshold', threshold)
        if 'device' in (values.get('env_cfg') or {}):  # that of the publisher
            _set(values, 'env_cfg', 'device', 'auto')
        _check_readable(values, config.path, made / PUBLISHED_CONFIG)
        rounded, parity = None, None
        if small:
            original, trained = trained, as_float16(trained)
            if images:
                rounded = compare_weights(config.resolved, original, trained, threshold, images)
                if not rounded.keeps_the_masks:
                    raise OutOfToleranceError(f'as float16, {rounded.describe()}')
        save_safetensors(trained, made / PUBLISHED_WEIGHTS)
        if not small:
            _, parity = export(
                config,
                checkpoint,
                'onnx',
                str(made / ONNX),
                images=images,
                threshold=threshold,
            )
        half = None
        if images:
            half = compare_bfloat16(config.resolved, trained, threshold, images)
        if half is not None:
            _set(values, 'test_cfg', 'precision', 'auto' if half.keeps_the_masks else 'fp32')
        write_json(made / PUBLISHED_CONFIG, values, indent=1)
        for name, values_of_test in tests.items():
            write_json(made / name, values_of_test, indent=1)
        sheet = sources[0].with_name(SHEET)
        if sheet.is_file():
            Image.open(sheet).convert('RGB').save(made / EXAMPLES, quality=_QUALITY)
        facts = Compared(onnx=parity, bfloat16=half, float16=rounded)
        card = model_card(
            folder.resolve().name,
            config.resolved,
            list(tests.values()),
            facts,
            sheet.is_file(),
            threshold,
        )
        with whole_file(made / CARD) as file:
            file.write(card)
        with signals_wait():
            if folder.exists():
                folder.replace(staging / 'before')
            made.replace(folder)
    return sorted(folder.iterdir())


def _read_tests(sources: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Return name in the folder -> metrics of each test.

    Raises:
        UserError: a file is missing or of averaged views, two are of one resolution, or their
            thresholds differ.
    """
    tests: dict[str, dict[str, Any]] = {}
    for source in sources:
        if not source.is_file():
            raise UserError(
                f'{source}: there is no such file; run tools/test.py first, or name one with '
                '--metrics'
            )
        tested = read_metrics(source)
        if tested.get('tta'):
            raise UserError(f'{source}: is of averaged views (--tta); name a test without them')
        first = next(iter(tests.values()), tested)
        for key in ('resolution', 'threshold'):
            if tests and (tested[key] == first[key]) == (key == 'resolution'):
                raise UserError(
                    f'{source}: its {key} is {tested[key]}, that of {sources[0]} {first[key]}; '
                    'further tests are of other resolutions and the same threshold'
                )
        name = f'{METRICS.removesuffix(".json")}_{tested["resolution"]}.json' if tests else METRICS
        tests[name] = tested
    return tests


def _check_readable(values: dict[str, Any], config: Path, path: Path) -> None:
    """Refuse what nobody could load, before the work is done."""
    write_json(path, values)
    try:
        read_data_config(path)
    except UserError as error:
        reason = str(error).removeprefix(f'{path}: ')
        raise UserError(
            f'{config}: cannot be published: a published folder is data, and may name '
            f'what PetSeg ships alone ({reason}). Give the checkpoint with its config and your '
            'modules, or export it: tools/export.py'
        ) from None


def _without_own_metrics(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out metrics that PetSeg does not ship: they measured the model and are no part of it.

    With them go the modules they came from. What else these held is refused as any other type.
    """
    shipped = SECTIONS['test_evaluator']
    kept = dict(values)
    for key in ('evaluator', 'val_evaluator', 'test_evaluator'):
        if isinstance(values.get(key), list):
            kept[key] = [one for one in values[key] if one.get('type') in shipped]
            if kept[key] != values[key]:
                kept.pop('custom_imports', None)
    return kept


def _without_lists(value: Any) -> Any:
    """Leave out the lists of excluded images, which are on the disk of the publisher alone."""
    if isinstance(value, dict):
        return {
            # A variable stays in its place, or it would be one that nothing uses.
            key: None if key == 'exclude' and item != '$exclude' else _without_lists(item)
            for key, item in value.items()
        }
    return [_without_lists(item) for item in value] if isinstance(value, list) else value


def _set(values: dict[str, Any], section: str, key: str, value: object) -> None:
    """Set a value of a written config where it comes from: its variable, or the place itself."""
    written = str(values[section].get(key))
    name = written.removeprefix('$')
    if written != name and name in values:
        values[name] = value
    else:
        values[section][key] = value
