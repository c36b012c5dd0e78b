"""The service under load: four times as many requests as it can answer, for a minute.

python -m benchmarks.service MODEL [CHECKPOINT] [--seconds 60]

A service of its own on this machine is asked for the masks of real photographs, 16 at a time, which
are compared with those of the predictor itself. Then it gets requests from 16 clients that wait for
their answers, which shows its pace, then four times as many a second. Every one has to be answered
or refused with 503.
"""

import argparse
import asyncio
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import httpx
import numpy as np

from custom_modules.api import load as load_model
from custom_modules.base.paths import PROJECT_ROOT

from .turns import write

#: Seconds that an image may wait there.
BOUND = 2


async def load(address: str, body: bytes, rate: float, seconds: float) -> list[tuple[int, float]]:
    """Send requests at a rate, answered or not; return statuses (0: no answer) and seconds."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:

        async def ask() -> tuple[int, float]:
            started = time.perf_counter()
            try:
                answer = await client.post(f'{address}/v1/mask', files={'file': body})
            except httpx.TransportError:
                return 0, time.perf_counter() - started
            return answer.status_code, time.perf_counter() - started

        tasks = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            tasks.append(asyncio.create_task(ask()))
            await asyncio.sleep(1 / rate)
        return await asyncio.gather(*tasks)


async def pace(address: str, body: bytes, seconds: float) -> float:
    """Return the requests a second that are answered where 16 clients each wait for theirs."""
    answered = 0
    end = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal answered
        async with httpx.AsyncClient(timeout=60) as one:
            while time.perf_counter() < end:
                answer = await one.post(f'{address}/v1/mask', files={'file': body})
                answered += answer.is_success

    await asyncio.gather(*(client() for _ in range(16)))
    return answered / seconds


async def masks(address: str, photographs: Sequence[Path]) -> list[np.ndarray]:
    """Return the masks of photographs, of which 16 are asked for at the same time."""
    together = asyncio.Semaphore(16)
    async with httpx.AsyncClient(timeout=60) as client:

        async def ask(path: Path) -> np.ndarray:
            async with together:
                answer = await client.post(f'{address}/v1/mask', files={'file': path.read_bytes()})
            data = np.frombuffer(answer.raise_for_status().content, np.uint8)
            return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED)) // 255

        return await asyncio.gather(*map(ask, photographs))


def memory(process: int) -> int:
    """Return the MiB that a process has now (Linux)."""
    lines = Path(f'/proc/{process}/status').read_text(encoding='utf-8').splitlines()
    return int(next(line for line in lines if line.startswith('VmRSS')).split()[1]) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model')
    parser.add_argument('checkpoint', nargs='?')
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--photographs', default='data/oxford-iiit-pet/images')
    args = parser.parse_args()
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    photograph = cv2.resize(image, (500, 375), interpolation=cv2.INTER_CUBIC)
    body = cv2.imencode('.jpg', photograph)[1].tobytes()
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    address = f'http://127.0.0.1:{port}'
    words = [sys.executable, 'tools/serve.py', args.model, *filter(None, [args.checkpoint])]
    words += ['--port', str(port), '--seconds', str(BOUND)]
    service = subprocess.Popen(words, cwd=PROJECT_ROOT)
    try:
        while True:
            try:
                httpx.get(f'{address}/healthz')
                break
            except httpx.TransportError:
                time.sleep(0.2)
        photographs = sorted(Path(args.photographs).glob('*.jpg'))[::35]
        served = asyncio.run(masks(address, photographs))
        capacity = asyncio.run(pace(address, body, 5))
        asyncio.run(load(address, body, 4 * capacity, 10))  # until memory is what it will be
        before = memory(service.pid)
        found = asyncio.run(load(address, body, 4 * capacity, args.seconds))
        after = memory(service.pid)
    finally:
        service.terminate()
    statuses = Counter(status for status, _ in found)
    answered = sorted(seconds for status, seconds in found if status == 200)
    predicted = load_model(args.model, args.checkpoint).predict(photographs)
    pairs = zip(served, predicted, strict=True)
    rows = {
        'photographs compared with predict.py': {'value': len(photographs)},
        'of their pixels, others': {'value': sum(int((a != b.mask).sum()) for a, b in pairs)},
        'requests': {'value': len(found)},
        'answered': {'value': statuses[200]},
        'refused with 503': {'value': statuses[503]},
        'anything else': {'value': len(found) - statuses[200] - statuses[503]},
        'ms of the answered, median': {'value': round(1000 * statistics.median(answered))},
        'ms of the answered, 99th percentile': {
            'value': round(1000 * answered[int(0.99 * (len(answered) - 1))])
        },
        'MiB before': {'value': before},
        'MiB after': {'value': after},
        'status of the process in the end': {'value': service.wait(30)},
    }
    for name, row in rows.items():
        print(f'{name}: {row["value"]}')
    protocol = (
        f'{args.seconds:.0f} s of requests, {4 * capacity:.0f} a second wanted: four times what '
        f'{Path(args.model).stem} answers to 16 clients; photographs of 500x375; an image may '
        f'wait {BOUND} s; clients and service on one machine'
    )
    write('service', dict(protocol=protocol, rows=rows))


if __name__ == '__main__':
    main()
