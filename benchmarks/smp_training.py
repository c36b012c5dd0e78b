"""The training that a user of segmentation_models.pytorch would write: a bare loop, no validation.

python -m benchmarks.smp_training OUT.json --epochs 8 [--size 256] [--data-root DIR]

smp.Unet(resnet34) from random weights in bfloat16 where the processor has it, Adam at 7e-4 with a
cosine to 0 over the whole training, BCE + Dice; images, augmentation and test are those of our
laptop recipe, read from its cache.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import DATASETS
from torch.nn import functional as F
from torch.utils.data import DataLoader

from custom_modules.config import load_config
from custom_modules.evaluation.confusion import count_pixels, dice
from custom_modules.models.precision import autocast, resolve_dtype

from .peers import smp_unet

CONFIG = 'configs/laptop/half_resnet34_unet_pet_128.py'
BATCH, RATE = 16, 7e-4
MEAN, STD = (
    torch.tensor(v)[:, None, None] for v in ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('out', type=Path)
    parser.add_argument('--epochs', type=int, required=True)
    parser.add_argument('--size', type=int, default=256)
    parser.add_argument('--data-root', default='data/oxford-iiit-pet')
    args = parser.parse_args()
    net = smp_unet()
    if net is None:
        raise SystemExit('this benchmark needs: pip install -r requirements-benchmark.txt')
    torch.manual_seed(0)
    options = [f'image_size={args.size}', f'data_root={args.data_root}', 'cache=True']
    settings = load_config(CONFIG, options).resolved
    train, test = (
        DataLoader(
            DATASETS.build(settings[f'{split}_dataloader'].dataset),
            BATCH,
            shuffle=split == 'train',
            drop_last=split == 'train',
            num_workers=2,
            collate_fn=_collate,
        )
        for split in ('train', 'test')
    )
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    dtype = resolve_dtype('auto', 'cpu')
    optimizer = torch.optim.Adam(net.parameters(), RATE, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs * len(train))
    started = time.monotonic()
    for epoch in range(args.epochs):
        for images, target in train:
            with autocast(dtype, 'cpu'):
                logits = net(images).float()
            probability = logits.sigmoid()
            overlap, total = (probability * target).sum(), probability.sum() + target.sum()
            loss = F.binary_cross_entropy_with_logits(logits, target) + 1 - 2 * overlap / total
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f'epoch {epoch + 1}/{args.epochs}  {time.monotonic() - started:.0f} s', flush=True)
    args.out.with_suffix('.trained').touch()  # what follows is no training
    net.eval()
    scores = []
    with torch.inference_mode():
        for images, target in test:
            with autocast(dtype, 'cpu'):
                found = (net(images).float() > 0).numpy()[:, 0]
            for one, truth in zip(found, target.numpy()[:, 0], strict=True):
                counts = count_pixels(one, truth.astype('uint8'))
                scores.append(float(dice(counts.tp, counts.fp, counts.fn)))
    result = dict(Dice=sum(scores) / len(scores), num_images=len(scores))
    args.out.write_text(json.dumps(result), encoding='utf-8')
    print(result)


def _collate(samples: list[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return images (N, 3, H, W), normalised, and masks (N, 1, H, W) of 0 and 1, as float32."""
    images = torch.stack([one['inputs'].flip(0) for one in samples]).float()  # RGB
    masks = torch.stack([one['data_samples'].gt_sem_seg.data for one in samples]).float()
    images = ((images - MEAN) / STD).contiguous(memory_format=torch.channels_last)
    return images, masks


if __name__ == '__main__':
    main()
