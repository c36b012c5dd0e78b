"""The card of a published model: what it is, how good, on what, and what it is not for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS

from ..base.csv_cells import as_markdown_cell
from ..config.held_datasets import described
from ..config.written import origin
from ..evaluation.own_metrics import metrics_of
from .parity import Parity

#: Where the data come from, by class of data set: name, licence, source.
DATA = {
    'OxfordPetDataset': (
        'Oxford-IIIT Pet (Parkhi, Vedaldi, Zisserman and Jawahar, 2012)',
        'CC BY-SA 4.0; the photographs belong to their owners and are not part of this folder',
        'https://www.robots.ox.ac.uk/~vgg/data/pets/',
    ),
}

#: Of the weights, which are derived from the photographs; of other data it is their owner's to say.
_LICENCES = {'OxfordPetDataset': 'cc-by-sa-4.0'}

_LIMITS = {
    'OxfordPetDataset': [
        'Cats and dogs of 37 breeds, one in each photograph, mostly large and in the middle. Other '
        'animals, several in one picture, drawings and night are not in the data.',
        'The border of a pet, fur above all, is a band of some pixels in the data. Which side it '
        'counts to is part of the protocol above.',
        'No photograph without a pet was trained on: something is found in most pictures.',
    ]
}


def model_card(
    name: str,
    config: Config,
    metrics: Mapping[str, Any],
    parity: Parity | None,
    half: Parity | None,
) -> str:
    """Return the card as Markdown.

    Args:
        name: name of the model, the heading of its card.
        config: resolved config of the model.
        metrics: metrics of the model's test, as ``metrics.json`` holds them.
        parity: comparison of the ONNX file with PyTorch; None if it was not compared.
        half: comparison of the network in bfloat16 with float32; None if it was not compared.
    """
    model = MODELS.build(config.model)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    dataset = described(config.test_dataloader['dataset'], 'type')
    training = metrics.get('training') or {}
    lines = [
        '---',
        'library_name: petseg',
        'pipeline_tag: image-segmentation',
        f'license: {_LICENCES.get(dataset, "unknown")}',
        '---',
        '',
        f'# {name}',
        '',
        f'{config.model["backbone"]["type"]} with {config.model["decode_head"]["type"]}, '
        f'{parameters:,} parameters. One logit for each pixel: the foreground against the rest.',
        '',
        '## Use',
        '',
        '```python',
        'import petseg',
        '',
        "model = petseg.load('FOLDER')  # this folder",
        "mask = model('photograph.jpg').mask",
        '```',
        '',
        '```bash',
        'petseg predict FOLDER photograph.jpg --out masks  # or: python tools/predict.py',
        '```',
        '',
        'Without PetSeg: `model.onnx`, whose metadata say what goes in and out (docs/deploy.md).',
        '',
        '## Metrics',
        '',
        *_metrics(metrics),
        '',
        '## Training',
        '',
        *_training(config, training),
        '',
        '## Data',
        '',
        *_data(dataset),
        '',
        '## Limits',
        '',
        *(f'- {limit}' for limit in _LIMITS.get(dataset, ['Only what the data show is known.'])),
        '- From one run; another seed gives other metrics.',
        '',
        '## Files',
        '',
        '- `model.safetensors`: the weights. `config.json`: the recipe. Neither is executed.',
        f'- `model.onnx`: {parity.describe() if parity else "not compared with PyTorch"}.',
        '- `metrics.json`: all metrics, with their protocol.',
    ]
    if half:
        use = 'used where' if half.keeps_the_masks else 'not used, although'
        lines += ['', f'In bfloat16, which is {use} the processor has it: {half.describe()}.']
    return '\n'.join(lines) + '\n'


def _metrics(metrics: Mapping[str, Any]) -> list[str]:
    size = metrics['image_size']
    side = 'x'.join(map(str, size)) if isinstance(size, list) else f'{size}x{size}'
    lines = ['| | |', '|---|---|']
    for info in metrics_of([metrics]):
        if info.level != 'detail':
            low, high = metrics.get('intervals', {}).get(info.name) or (None, None)
            interval = '' if low is None else f' (95 % interval {low:.4f} to {high:.4f})'
            title = as_markdown_cell(info.title)
            lines.append(f'| {title} | {metrics[info.name]:.4f}{interval} |')
    lines += [
        '',
        f'{metrics.get("num_images", 0):,} images of the split `{metrics["split"]}`, '
        + (f'border = {metrics["border"]}, ' if metrics['border'] else '')
        + f'{side}, scored at the {metrics["resolution"]} resolution, '
        f'threshold {metrics["threshold"]:g}.',
    ]
    return lines


def _training(config: Config, training: Mapping[str, Any]) -> list[str]:
    recipe = origin(Path(config.filename))
    if Path(recipe).is_absolute():  # outside of the project, where only its owner knows the folders
        recipe = Path(recipe).name
    if not training:
        return [f'`{recipe}`; nothing more is known.']
    minutes = training['minutes']
    time = f'{minutes:.0f} minutes' if minutes >= 2 else f'{60 * minutes:.0f} seconds'
    return [
        f'`{recipe}`: the weights of epoch {training["epochs"]} of {training["max_epochs"]}, after '
        f'{time} on {training["device"]}, {training["precision"]}.'
    ]


def _data(dataset: str) -> list[str]:
    if dataset not in DATA:
        return ['Not named here: the licence is that of its owner.']
    name, licence, source = DATA[dataset]
    return [f'{name}, {source}. Licence: {licence}.']
