"""One training step on a batch that lies in memory: bare loops against PetSeg's runner.

python -m benchmarks.step [--config CONFIG] [--size 128] [--batch 16] [--rounds 7] [--steps 4]
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.registry import MODELS
from torch import nn
from torch.nn import functional as F

from custom_modules.config import load_config
from custom_modules.datasets.synthetic_dataset import draw_sample
from custom_modules.engine import PetSegRunner
from custom_modules.engine.trial import NoSteps
from custom_modules.models.precision import autocast, resolve_dtype

from .peers import smp_unet
from .turns import in_turns, report

Step = Callable[[], object]


def runner_step(
    config: str, size: int, batch: int, precision: str, folder: str, *more: str
) -> Step:
    """Return a step of the runner, with its preprocessor, losses, metrics and hooks."""
    draw_sample(Path(folder, 'sample'))
    options = [f'image_size={size}', f'batch_size={batch}', 'num_workers=0', 'max_epochs=1000']
    options += [f'data_root={folder}/sample', f'precision={precision}', 'cache=False']
    options += [f'train_cfg.type={NoSteps.__name__}', 'default_hooks.checkpoint=None', *more]
    settings = load_config(config, options).resolved
    settings.work_dir = f'{folder}/runs'
    runner = PetSegRunner.from_cfg(settings)
    runner.train()
    runner.call_hook('before_train_epoch')
    runner.model.train()
    data = next(iter(runner.train_dataloader))
    return lambda: runner.train_loop.run_iter(0, data)


def bare_step(model: nn.Module, size: int, batch: int, precision: str) -> Step:
    """Return a step of a loop that a careful user would write by hand around ``model``."""
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    dtype = resolve_dtype(precision, device)
    layout = torch.contiguous_format if dtype == torch.float32 else torch.channels_last
    model.to(device)
    model.to(memory_format=layout).train()  # type: ignore[call-overload]
    images = torch.randn(batch, 3, size, size, device=device).contiguous(memory_format=layout)
    target = (torch.rand(batch, 1, size, size, device=device) > 0.5).float()
    optimizer = torch.optim.Adam(model.parameters(), 1e-4, fused=True)

    def step() -> None:
        with autocast(dtype, device):
            logits = model(images).float()
        probability = logits.sigmoid()
        overlap, total = (probability * target).sum(), probability.sum() + target.sum()
        loss = F.binary_cross_entropy_with_logits(logits, target) + 1 - 2 * overlap / total
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def bare_net(config: str) -> nn.Module:
    model = MODELS.build(load_config(config).resolved.model)
    return nn.Sequential(model.backbone, model.decode_head)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--config', default='configs/resnet34_unet_pet.py')
    parser.add_argument('--size', type=int, default=128)
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--steps', type=int, default=4)
    parser.add_argument('--precision', default='auto')
    parser.add_argument('--name', default='step', help='of the JSON file')
    args = parser.parse_args()
    shape = (args.size, args.batch)
    with tempfile.TemporaryDirectory() as folder:
        variants = {
            'bare loop': bare_step(bare_net(args.config), *shape, args.precision),
            'PetSeg': runner_step(args.config, *shape, args.precision, folder),
            'PetSeg, compiled': runner_step(
                args.config, *shape, args.precision, f'{folder}/compiled', 'compile=True'
            ),
            'bare loop, fp32': bare_step(bare_net(args.config), *shape, 'fp32'),
        }
        peer = smp_unet()
        if peer is not None:
            variants['smp.Unet(resnet34), bare loop'] = bare_step(peer, *shape, args.precision)
        seconds = in_turns(variants, args.rounds, args.steps)
    report(
        args.name,
        f'training step of {args.config}, {args.size}x{args.size}, batch {args.batch}, '
        f'{args.precision}: forward, BCE + Dice, backward, Adam; data in memory',
        args.batch,
        seconds,
        'bare loop',
    )


if __name__ == '__main__':
    main()
