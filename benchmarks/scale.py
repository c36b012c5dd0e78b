"""How a training goes on at 8, 64 and 512 GPUs, by arithmetic and a simulation.

python -m benchmarks.scale

Nothing here was measured on a cluster. The assumptions are the fields of Cluster; change them to
what yours does. The table of docs/scale.md is made from the defaults.
"""

import math
from dataclasses import dataclass

import numpy as np

from custom_modules.base.paths import PROJECT_ROOT
from docs.generate.results_table import with_table

PAGE = PROJECT_ROOT / 'docs' / 'scale.md'
BEGIN = '<!-- made by python -m benchmarks.scale -->'
END = '<!-- end of what is made -->'


@dataclass(frozen=True)
class Cluster:
    """What is assumed of machines and network.

    Attributes:
        images_per_second: of one GPU, training UNet (31 M) at 256x256 in bf16.
        batch: images of a GPU and step.
        parameters: of the net; their gradients travel as float32.
        batch_norms: layers that ask all processes for mean and variance, forward and backward.
        gpus_per_node: that share one fast link.
        node_bandwidth: bytes/s of a GPU's link inside a node.
        network_bandwidth: bytes/s of a GPU's share of the network between nodes.
        latency: seconds of one message between nodes; a tenth of it inside one.
        jitter: standard deviation of a GPU's time for a step, as a share of it.
        loader_images_per_second: of one core, decoding and augmenting JPEG.
        bytes_per_image: of a JPEG on the storage.
        hours_between_failures: of one GPU with its share of the node.
        restart_seconds: from a failure to the next step, waiting for a new node not counted.
    """

    images_per_second: float = 1350
    batch: int = 16
    parameters: int = 31_043_521
    batch_norms: int = 18
    gpus_per_node: int = 8
    node_bandwidth: float = 300e9
    network_bandwidth: float = 40e9
    latency: float = 10e-6
    jitter: float = 0.03
    loader_images_per_second: float = 500
    bytes_per_image: float = 100e3
    hours_between_failures: float = 50_000
    restart_seconds: float = 120


def all_reduce_seconds(cluster: Cluster, gpus: int, size: float) -> float:
    """Return the seconds in which rings inside the nodes, then across them, sum ``size`` bytes.

    A ring of n passes 2 (n - 1) / n of the data through each link, in 2 (n - 1) messages.
    """
    inside = min(gpus, cluster.gpus_per_node)
    nodes = math.ceil(gpus / cluster.gpus_per_node)
    seconds = 2 * (inside - 1) / inside * size / cluster.node_bandwidth
    seconds += 2 * (inside - 1) * cluster.latency / 10
    if nodes > 1:
        share = size / inside
        seconds += 2 * (nodes - 1) / nodes * share / cluster.network_bandwidth
        # Messages of a tree, as NCCL chooses it for many nodes.
        seconds += 2 * math.ceil(math.log2(nodes)) * cluster.latency
    return seconds


def step_seconds(cluster: Cluster, gpus: int, steps: int = 400, seed: int = 0) -> float:
    """Return the mean seconds of a simulated step.

    Every GPU's time varies; each BatchNorm waits for the slowest, and so do the gradients. Two
    thirds of a step are the backward pass, beside which all but the last bucket (25 MB) travels.
    """
    rng = np.random.default_rng(seed)
    compute = cluster.batch / cluster.images_per_second
    slowest = compute * (1 + cluster.jitter * rng.standard_normal((steps, gpus))).max(axis=1)
    if gpus == 1:
        return float(slowest.mean())
    statistics = 2 * cluster.batch_norms * all_reduce_seconds(cluster, gpus, 4 * 2 * 512)
    gradients = all_reduce_seconds(cluster, gpus, 4 * cluster.parameters)
    bucket = all_reduce_seconds(cluster, gpus, 25e6)
    exposed = np.maximum(gradients - 2 / 3 * slowest, 0) + bucket
    return float((slowest + statistics + exposed).mean())


def table(cluster: Cluster) -> str:
    """Return a Markdown table with a column for each number of GPUs."""
    counts = (1, 8, 64, 512)
    alone = step_seconds(cluster, 1)
    rows: dict[str, list[str]] = {}

    def add(name: str, value: str) -> None:
        rows.setdefault(name, []).append(value)

    for gpus in counts:
        seconds = step_seconds(cluster, gpus)
        batch = gpus * cluster.batch
        speed = batch / seconds
        failures = gpus * 24 / cluster.hours_between_failures
        add('images of a step', f'{batch:,}')
        add('steps of an epoch of 3,312 images', f'{3312 // batch:,}')
        add('steps of an epoch of 1,281,167 images', f'{1281167 // batch:,}')
        add('learning rate, linear rule (1e-3 at 16)', f'{1e-3 * gpus:.3g}')
        add('learning rate, square root rule', f'{1e-3 * math.sqrt(gpus):.3g}')
        add('milliseconds of a step', f'{1000 * seconds:.2f}')
        add('images/s', f'{speed:,.0f}')
        add('efficiency', f'{alone / seconds:.0%}')
        cores = speed / gpus / cluster.loader_images_per_second
        add('loader cores of each GPU, JPEG', f'{cores:.1f}')
        add(
            'storage, JPEG read in every epoch, MB/s',
            f'{speed * cluster.bytes_per_image / 1e6:,.0f}',
        )
        add('failures a day', f'{failures:.4f}' if failures < 0.01 else f'{failures:.2f}')
        # Young's formula: the interval that loses least to saving and to steps done again.
        save = 1.0
        between = 86_400 / failures
        interval = math.sqrt(2 * save * between)
        lost = save / interval + interval / 2 / between + cluster.restart_seconds / between
        add('best seconds between two checkpoints', f'{interval:,.0f}')
        add('time lost to failures', f'{lost:.2%}')
    lines = [f'| GPUs | {" | ".join(map(str, counts))} |', '|---|' + '---:|' * len(counts)]
    lines += [f'| {name} | {" | ".join(values)} |' for name, values in rows.items()]
    return '\n'.join(lines)


def page() -> tuple[str, str]:
    """Return docs/scale.md as it is and as it should be."""
    text = PAGE.read_text(encoding='utf-8')
    return text, with_table(text, table(Cluster()), BEGIN, END)


if __name__ == '__main__':
    PAGE.write_text(page()[1], encoding='utf-8')
    print(table(Cluster()))
