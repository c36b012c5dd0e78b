"""Training seconds of the laptop recipe, as its kept run has them, against smp's net.

python -m benchmarks.laptop [--rounds 5]

smp's net is not trained: its seconds are those of the steps alone, at the pace that a bare loop
has on this machine, for the 12 epochs of its reference. So they flatter it.
"""

import argparse
import json
import statistics

from custom_modules.base.paths import PROJECT_ROOT

from .peers import smp_unet
from .step import bare_step
from .turns import in_turns, write

KEPT = [
    PROJECT_ROOT / 'results' / f'half_resnet34_unet_pet_128{name}' / 'metrics.json'
    for name in ('', '_14_epochs')
]

#: Images of the training split, side, batch and epochs.
IMAGES, SIZE, BATCH, EPOCHS = 3312, 128, 16, 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    net = smp_unet()
    if net is None:
        raise SystemExit('this benchmark needs: pip install -r requirements-benchmark.txt')
    steps = {'smp': bare_step(net, SIZE, BATCH, 'auto')}
    pace = statistics.median(in_turns(steps, args.rounds, steps=4)['smp']) / BATCH
    theirs = round(EPOCHS * IMAGES * pace)
    rows: dict[str, dict[str, float | None]] = {}
    for path in KEPT:
        kept = json.loads(path.read_text(encoding='utf-8'))
        seconds = round(60 * kept['training']['minutes'])
        rows[path.parent.name] = {
            'epochs': kept['training']['epochs'],
            'test Dice': round(kept['Dice'], 4),
            'training seconds': seconds,
            "share of smp's": round(seconds / theirs, 2),
        }
    rows['smp.Unet(resnet34), bare loop, steps alone'] = {
        'epochs': EPOCHS,
        'test Dice': None,
        'training seconds': theirs,
        "share of smp's": 1,
    }
    protocol = (
        f'{IMAGES:,} training images, {SIZE}x{SIZE}, batch {BATCH}, bf16, from scratch. Ours are '
        'whole runs with their validations, scored on 3,669 test images. The seconds of smp are '
        f'its {EPOCHS} reference epochs at the pace of its steps alone, so they flatter it'
    )
    for name, row in rows.items():
        print(name, row)
    write('laptop', dict(protocol=protocol, rows=rows))


if __name__ == '__main__':
    main()
