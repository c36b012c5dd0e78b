"""The card of a published model: what it is, how good, on what, and what it is not for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS

from ..base.csv_cells import as_markdown_cell
from ..config.held_datasets import described
from ..config.written import origin
from ..evaluation.own_metrics import metrics_of
from ..runs.metrics_text import excluded_images, input_size
from .parity import Parity

#: Where the data come from, by class of data set: name, licence, source.
DATA = {
    'OxfordPetDataset': (
        'Oxford-IIIT Pet (Parkhi, Vedaldi, Zisserman and Jawahar, 2012)',
        'CC BY-SA 4.0; the photographs belong to their owners',
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


_EXAMPLES = [
    '## Examples',
    '',
    '![The worst, median and best images of the test](examples.jpg)',
    '',
]


@dataclass(frozen=True)
class Compared:
    """What a published folder holds, against the network as it was trained, in float32.

    Attributes:
        onnx: the ONNX file; None if it was not compared, or is not there.
        bfloat16: the network in bfloat16; None if it was not compared.
        float16: the network with weights that were rounded to float16; None if they were not.
    """

    onnx: Parity | None = None
    bfloat16: Parity | None = None
    float16: Parity | None = None


def model_card(
    name: str,
    config: Config,
    tests: Sequence[Mapping[str, Any]],
    compared: Compared,
    examples: bool = False,
    threshold: float | None = None,
) -> str:
    """Return the card as Markdown.

    Args:
        name: name of the model, the heading of its card.
        config: resolved config of the model.
        tests: metrics of the model's tests, as ``metrics.json`` holds them, one for each
            resolution.
        compared: what was compared with the network as it was trained.
        examples: whether ``examples.jpg`` is in the folder.
        threshold: threshold of the published model; None for that of the tests.
    """
    model = MODELS.build(config.model)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    dataset = described(config.test_dataloader['dataset'], 'type')
    training = tests[0].get('training') or {}
    lines = [
        '---',
        'library_name: petseg',
        'pipeline_tag: image-segmentation',
        f'license: {_LICENCES.get(dataset, "unknown")}',
        '---',
        '',
        f'# {name}',
        '',
        f'{_network(config.model)}, {parameters:,} parameters. One logit for each pixel: the '
        'foreground against the rest.',
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
        'Without PetSeg: `model.onnx`, whose metadata say what goes in and out (docs/deploy.md).'
        if compared.float16 is None
        else 'Without PetSeg: `petseg export FOLDER` writes an ONNX file (docs/deploy.md).',
        '',
        '## Metrics',
        '',
        *_metrics(tests),
        *_threshold(threshold, tests[0]),
        '',
        *(_EXAMPLES if examples else []),
        '## Training',
        '',
        *_training(config, training),
        '',
        '## Data',
        '',
        *_data(dataset, examples),
        '',
        '## Limits',
        '',
        *(f'- {limit}' for limit in _LIMITS.get(dataset, ['Only what the data show is known.'])),
        _of_runs(tests[0]),
        '',
        '## Files',
        '',
        '- `model.safetensors`: the weights. `config.json`: the recipe. Neither is executed.',
        *(
            []
            if compared.float16
            else [f'- `model.onnx`: {_of(compared.onnx, "not compared with PyTorch")}.']
        ),
        '- `metrics.json`: all metrics, with their protocol.',
    ]
    if compared.float16:
        lines += ['', f'Weights are kept in 16 bits: {compared.float16.describe()}.']
    half = compared.bfloat16
    if half:
        use = 'used where' if half.keeps_the_masks else 'not used, although'
        lines += ['', f'In bfloat16, which is {use} the processor has it: {half.describe()}.']
    return '\n'.join(lines) + '\n'


def _of(parity: Parity | None, otherwise: str) -> str:
    return parity.describe() if parity else otherwise


def _network(model: Mapping[str, Any]) -> str:
    encoder, head = model['backbone'], model['decode_head']
    if 'member' not in encoder:
        parts = (encoder, model.get('neck'), head)
        return ' with '.join(part['type'] for part in parts if part)
    return (
        f'The mean probability of {encoder["members"]} networks ({encoder["member"]["type"]} with '
        f'{head["member"]["type"]}), each trained without another part of the images'
    )


def _of_runs(tested: Mapping[str, Any]) -> str:
    if 'folds' not in tested:
        return '- From one run; another seed gives other metrics.'
    return (
        '- The metrics are out of fold: each image was seen by the one network that did not train '
        'on it. The mean of the networks has no metrics on images that none of them trained on.'
    )


def _threshold(threshold: float | None, tested: Mapping[str, Any]) -> list[str]:
    """Return what is to be said where the model has another threshold than its metrics."""
    if threshold in (None, tested['threshold']):
        return []
    best = tested.get('validation', {}).get('best_Dice')
    found = '' if best is None else f' (Dice {best:.4f}, a little too good: by the same images)'
    return ['', f'Threshold of this model: {threshold:g}, tuned on the same images{found}.']


def _metrics(tests: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a table with a column for each test, and a sentence for the protocol of each."""
    names = [_resolution(tested) for tested in tests] if len(tests) > 1 else ['']
    lines = [f'| | {" | ".join(names)} |', '|---|' + '---|' * len(tests)]
    for info in metrics_of(list(tests)):
        if info.level != 'detail':
            cells = [_cell(tested, info.name) for tested in tests]
            lines.append(f'| {as_markdown_cell(info.title)} | {" | ".join(cells)} |')
    return [*lines, '', *dict.fromkeys(_protocol(tested) for tested in tests)]


def _resolution(tested: Mapping[str, Any]) -> str:
    return (
        "at the photographs' own size" if tested['resolution'] == 'original' else input_size(tested)
    )


def _cell(tested: Mapping[str, Any], name: str) -> str:
    if name not in tested:
        return ''
    low, high = tested.get('intervals', {}).get(name) or (None, None)
    interval = '' if low is None else f' (95 % interval {low:.4f} to {high:.4f})'
    return f'{tested[name]:.4f}{interval}'


def _protocol(tested: Mapping[str, Any]) -> str:
    border = f'border = {tested["border"]}, ' if tested['border'] else ''
    excluded = excluded_images(tested)
    return (
        f'{tested.get("num_images", 0):,} images of the split `{tested["split"]}`, {border}'
        f'{input_size(tested)}, scored at the {tested["resolution"]} resolution, '
        f'threshold {tested["threshold"]:g}{excluded and "; " + excluded}.'
    )


def _training(config: Config, training: Mapping[str, Any]) -> list[str]:
    recipe = origin(Path(config.filename))
    if Path(recipe).is_absolute():  # outside of the project, where only its owner knows the folders
        recipe = Path(recipe).name
    if not training:
        return [f'`{recipe}`; nothing more is known.']
    minutes = training['minutes']
    time = f'{minutes:.0f} minutes' if minutes >= 2 else f'{60 * minutes:.0f} seconds'
    before = training.get('minutes_before', 0)
    start = f' It started from `{training["init"]}`' if training.get('init') else ''
    start += f', which took {before:.0f} minutes.' if start and before else '.' if start else ''
    if training.get('teacher'):
        start += f' It learned from a teacher too: `{training["teacher"]}`.'
    return [
        f'`{recipe}`: the weights of {_position(training)}, after '
        f'{time} on {training["device"]}, {training["precision"]}.{start}'
    ]


def _position(training: Mapping[str, Any]) -> str:
    if 'max_steps' in training:
        return f'step {training["steps"]:,} of {training["max_steps"]:,}'
    return f'epoch {training["epochs"]} of {training["max_epochs"]}'


def _data(dataset: str, examples: bool) -> list[str]:
    if dataset not in DATA:
        return ['Not named here: the licence is that of its owner.']
    name, licence, source = DATA[dataset]
    shown = 'Those of the examples are shown under it' if examples else 'None is in this folder'
    return [f'{name}, {source}. Licence: {licence}. {shown}.']
