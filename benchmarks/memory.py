"""Peak memory of a training of four steps: PetSeg's runner against a bare loop, each by itself.

python -m benchmarks.memory [--config CONFIG] [--size 128] [--batch 16]
"""

import argparse
import subprocess
import sys
import tempfile

from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.engine.memory_use import peak_memory

from .step import bare_net, bare_step, runner_step
from .turns import write

VARIANTS = ('bare loop', 'PetSeg')


def measure(variant: str, config: str, size: int, batch: int) -> int:
    """Take four steps in this process and return its peak memory in MiB, of the GPU if there is."""
    with tempfile.TemporaryDirectory() as folder:
        if variant == 'PetSeg':
            step = runner_step(config, size, batch, 'auto', folder)
        else:
            step = bare_step(bare_net(config), size, batch, 'auto')
        for _ in range(4):
            step()
    return (peak_memory() or 0) // 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--config', default='configs/resnet34_unet_pet.py')
    parser.add_argument('--size', type=int, default=128)
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--variant', choices=VARIANTS, help='measure this one in this process')
    args = parser.parse_args()
    if args.variant:
        print(measure(args.variant, args.config, args.size, args.batch))
        return
    shape = [f'--config={args.config}', f'--size={args.size}', f'--batch={args.batch}']
    rows = {}
    for variant in VARIANTS:
        command = [sys.executable, '-m', 'benchmarks.memory', *shape, f'--variant={variant}']
        done = subprocess.run(
            command, cwd=PROJECT_ROOT, check=True, stdout=subprocess.PIPE, text=True
        )
        rows[variant] = int(done.stdout.split()[-1])
        print(f'{variant:12} {rows[variant]:,} MiB')
    protocol = (
        f'peak memory of four training steps of {args.config}, {args.size}x{args.size}, '
        f'batch {args.batch}, interpreter and libraries included, a process each'
    )
    write('memory', dict(protocol=protocol, mebibytes=rows))


if __name__ == '__main__':
    main()
