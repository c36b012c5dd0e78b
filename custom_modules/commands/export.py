"""What ``tools/export.py`` does."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from ..base.errors import UserError
from ..base.kinds import Number
from ..base.paths import make_writable
from ..base.stopping import signals_wait
from ..base.whole_file import staging_folder
from ..config import LoadedConfig
from ..config.held_datasets import pipeline_of, reading_of
from ..datasets.image_reading import ImageReading
from ..engine.memory import keep_freed_memory
from ..export.exportable_model import ExportableModel, fixes_the_size
from ..export.formats import Format, format_of
from ..export.metadata import VERSION
from ..export.onnx_files import INPUT, OUTPUT
from ..export.parity import TOLERANCES, Parity, compare
from ..export.real_batches import real_batches, split_to_compare
from ..models.binary_segmentor import as_segmentor
from ..models.precision import autocast
from ..runs.checkpoint_io import load_checkpoint, load_weights, weights_file
from ..runs.named_model import results_folder
from ..runs.trained_with import image_size, windows
from ..runs.tuned_threshold import stored_threshold
from ..runs.weights_digest import weights_digest
from .test import protocol

#: Training images that show the range of the activations, for int8.
CALIBRATION_IMAGES = 128


def export(
    config: LoadedConfig,
    checkpoint: str,
    format_name: str,
    out: str | None = None,
    *,
    precision: str = 'fp32',
    images: int = 200,
    tolerance: float | None = None,
    threshold: float | None = None,
) -> tuple[Path, Parity | None]:
    """Export a checkpoint, and compare what the file gives with PyTorch on real images.

    Args:
        config: loaded config of the model.
        checkpoint: ``.pth`` file, or the folder or weights that ``tools/publish.py`` wrote; nothing
            in it is executed.
        format_name: name of the format: a key of ``FORMATS``, to which modules of the config may
            have added.
        out: file to write; None writes beside the checkpoint (for a published model, into
            ``work_dirs``).
        precision: number format of the exported weights: 'fp32', 'fp16' or 'int8'.
        images: number of test images to compare on, evenly spread over the split; 0 compares
            nothing.
        tolerance: largest difference of the Dice at which the file is kept, from 0 to 1; None takes
            that of the precision, see ``TOLERANCES``.
        threshold: foreground threshold to write into the metadata, from 0 to 1; None takes the one
            stored beside the checkpoint, or else the config's.

    Returns:
        Path of the exported file, and the comparison with PyTorch (None if ``images`` is 0).

    Raises:
        UserError: a mistake in config, data, checkpoint or arguments; a package is missing.
        OutOfToleranceError: the exported network gives other masks; there is no file.
    """
    if images < 0:
        raise UserError(f'--images {images}: give a number of images, or 0 for no comparison')
    if tolerance is not None:
        Number(0, 1).check('--tolerance', tolerance)
    checkpoint = str(weights_file(Path(checkpoint)))
    kind = format_of(format_name)
    path = Path(out) if out else _beside(Path(checkpoint), precision, kind.suffix)
    if path.suffix != kind.suffix:
        raise UserError(f'--out {path}: a file of this format ends in {kind.suffix}')
    make_writable(path.parent, '--out')
    keep_freed_memory()
    values = config.resolved
    model = as_segmentor(MODELS.build(values.model), 'an export')
    trained = load_checkpoint(checkpoint)
    load_weights(model, trained, checkpoint)
    if threshold is None:
        stored = stored_threshold(checkpoint)
        threshold = float(model.threshold if stored is None else stored)
    sides = _sides(values) if fixes_the_size(model) else None
    network = ExportableModel(model, sides=sides)
    calibration = None
    if precision == 'int8':
        calibration = (batch for batch, _ in real_batches(values, 'train', CALIBRATION_IMAGES))
    half = ExportableModel(model, torch.float16, sides) if precision == 'fp16' else network
    converted = _converted(kind, half, calibration, format_name)
    metadata = _metadata(values, checkpoint, network, precision, threshold)
    metadata['protocol'] = protocol(values, model, checkpoint)
    metadata['weights'] = weights_digest(model.state_dict())
    metadata['training'] = trained.get('meta', {}).get('training')
    parity = None
    if images:
        with staging_folder(path) as folder:
            tried = folder / path.name
            kind.save(converted, tried, metadata)
            split = split_to_compare(values)
            batches = real_batches(values, split, images)
            parity = compare(network, kind.read(tried), batches, threshold, split)
        allowed = TOLERANCES[precision] if tolerance is None else tolerance
        if abs(parity.dice_difference) > allowed:
            raise OutOfToleranceError(f'{parity.describe()}; {allowed:g} is allowed')
        metadata['parity'] = parity.as_dict()
    with staging_folder(path) as folder:
        whole = folder / path.name
        kind.save(converted, whole, metadata)
        with signals_wait():
            for suffix in (*kind.companions, kind.suffix):
                whole.with_suffix(suffix).replace(path.with_suffix(suffix))
    return path, parity


def compare_bfloat16(
    config: Config, checkpoint: Mapping[str, Any], threshold: float, images: int
) -> Parity:
    """Compare a network in bfloat16 with itself in float32, on images of the test split.

    Args:
        config: resolved config of the model.
        checkpoint: checkpoint as ``load_checkpoint`` returns it.
        threshold: probability above which a pixel is foreground, from 0 to 1.
        images: number of test images to compare on, evenly spread over the split.
    """
    network = _network(config, checkpoint)

    @torch.inference_mode()
    def bfloat16(images: np.ndarray) -> np.ndarray:
        with autocast(torch.bfloat16, 'cpu'):
            return network(torch.from_numpy(images)).numpy()

    split = split_to_compare(config)
    return compare(network, bfloat16, real_batches(config, split, images), threshold, split)


def compare_weights(
    config: Config,
    checkpoint: Mapping[str, Any],
    rounded: Mapping[str, Any],
    threshold: float,
    images: int,
) -> Parity:
    """Compare a network that has rounded weights with the one that was trained.

    Args:
        config: resolved config of the model.
        checkpoint: checkpoint as ``load_checkpoint`` returns it.
        rounded: the same with other weights, such as those of ``as_float16``.
        threshold: probability above which a pixel is foreground, from 0 to 1.
        images: number of test images to compare on, evenly spread over the split.
    """
    network, other = (_network(config, one) for one in (checkpoint, rounded))

    def of_rounded(images: np.ndarray) -> np.ndarray:
        return other(torch.from_numpy(images)).numpy()

    split = split_to_compare(config)
    return compare(network, of_rounded, real_batches(config, split, images), threshold, split)


def _network(config: Config, checkpoint: Mapping[str, Any]) -> ExportableModel:
    model: Any = MODELS.build(config.model)
    load_weights(model, dict(checkpoint), 'the checkpoint')
    return ExportableModel(model)


class OutOfToleranceError(Exception):
    """An exported network gives other masks than the network it came from."""


def _beside(checkpoint: Path, precision: str, suffix: str) -> Path:
    name = checkpoint.stem if precision == 'fp32' else f'{checkpoint.stem}.{precision}'
    return results_folder(checkpoint) / f'{name}{suffix}'


def _converted(
    kind: Format, network: ExportableModel, calibration: Iterable[np.ndarray] | None, name: str
) -> Any:
    """Return the network in a format; a network of others may have what the format has not."""
    try:
        return kind.convert(network, calibration)
    except UserError:
        raise
    except Exception as error:  # of torch, ONNX and OpenVINO, without a common base
        reason = str(error).strip().splitlines() or [type(error).__name__]
        what = 'images' if network.sides is None else 'batches'
        raise UserError(
            f'--format {name}: this network cannot be written for {what} of every size '
            f'({type(error).__name__}: {reason[0][:200]}); try another format'
        ) from None


def _sides(config: Config) -> tuple[int, int]:
    """Return height and width of what the network of a recipe sees, which needs no data."""
    dataset = config.test_dataloader['dataset']
    slides = windows(dataset)
    size = slides['size'] if slides else image_size(dataset)
    if not size:
        raise UserError(
            'this network can be written for images of one size alone, and the pipeline of the '
            'test gives them none; set image_size'
        )
    width, height = map(int, size if isinstance(size, list) else (size, size))
    print(f'note: this network is written for images of {height}x{width} alone')
    return height, width


def _metadata(
    config: Config, checkpoint: str, network: ExportableModel, precision: str, threshold: float
) -> dict[str, Any]:
    """Return what a user of the file has to know to get the masks of ``tools/predict.py``."""
    pipeline = pipeline_of(config.test_dataloader['dataset'])
    reading = reading_of(config.test_dataloader['dataset'])
    digest = hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest()
    height, width = network.sides or ('H', 'W')
    return dict(
        version=VERSION,
        input=dict(
            name=INPUT,
            layout=f'(N, {network.in_channels}, {height}, {width})',
            dtype='uint8',
            channels='RGB' if reading == ImageReading() else str(reading),
        ),
        image_reading=reading.settings(),
        output=dict(
            name=OUTPUT,
            layout='(N, 1, H, W)',
            dtype='float32',
            meaning='log-odds of the foreground; their sigmoid is the probability',
        ),
        size_divisor=network.size_divisor,
        pipeline=[dict(step) for step in pipeline],
        threshold=threshold,
        precision=precision,
        checkpoint=dict(name=Path(checkpoint).name, sha256=digest),
        parity=None,
    )
