"""A service of this machine under attack for a minute: slow clients, bombs and honest ones at once.

python -m benchmarks.attacks MODEL [CHECKPOINT] [--seconds 60]

Honest clients ask a service of its own for a photograph's mask, one a second each. Another process
holds 2,100 half headers, 256 half bodies and 100 answers that nobody reads, sends JPEGs of many
scans and requests of sixteen pictures of 40 megapixels, and leaves before it is answered. Every
honest request has to be answered, or refused with 503, within the time that it may wait.
"""

import argparse
import asyncio
import io
import multiprocessing
import random
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from PIL import Image

from custom_modules.base.paths import PROJECT_ROOT

from .turns import write

#: Seconds that an image may wait and be decoded there, as ``tools/serve.py`` has it by default.
WAIT, DECODE = 10, 5

#: How many clients there are of each kind.
HONEST, HEADERS, BODIES, READERS, BOMBS, LARGE = 4, 2100, 256, 100, 4, 2


class Clients:
    """Clients of a service on this machine, which all end at a time.

    Args:
        port: of the service.
        end: time of the monotonic clock, which all processes of a machine share.
    """

    def __init__(self, port: int, end: float) -> None:
        self.port = port
        self.end = end
        self.address = f'http://127.0.0.1:{port}'
        self.done: Counter[str] = Counter()

    async def again(self, client: Callable[[], Awaitable[None]]) -> None:
        """Let a client do its work again and again, until the end."""
        while (left := self.end - time.monotonic()) > 0:
            with suppress(OSError, asyncio.TimeoutError, httpx.TransportError):
                await asyncio.wait_for(client(), left)
            await asyncio.sleep(0.05 + random.random() / 5)

    async def hold(self, name: str, sent: bytes, drip: bytes = b'', read: bool = True) -> None:
        """Send something that is no whole request, or read nothing, until the connection ends."""
        reader, writer = await asyncio.open_connection('127.0.0.1', self.port, limit=1 << 12)
        self.done[name] += 1
        try:
            writer.write(sent)
            while drip:
                await asyncio.sleep(1)
                writer.write(drip)
                await writer.drain()
            while await reader.read(1 << 12) if read else not writer.transport.is_closing():
                await asyncio.sleep(0.2)
        finally:
            writer.transport.abort()

    async def send(self, name: str, parts: list[bytes], leaves_after: float = 60) -> None:
        """Send files, and leave after so many seconds."""
        async with httpx.AsyncClient(base_url=self.address) as client:
            self.done[name] += 1
            files = [('files', part) for part in parts]
            await client.post('/v1/segment', files=files, timeout=leaves_after)

    async def attack(self) -> None:
        """Be all those who mean no good."""
        half = b'POST /v1/mask HTTP/1.1\r\nHost: localhost\r\n'
        body = half + b'Content-Length: 10000000\r\n\r\n' + bytes(150_000)
        script = (
            b'GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n'
        )
        bomb, large = scan_bomb(6300, 90), flat(6300, 'PNG')
        clients: list[Callable[[], Awaitable[None]]] = []
        clients += [lambda: self.hold('half headers', half)] * (HEADERS // 2)
        clients += [lambda: self.hold('half headers', half + b'X: ', b'x')] * (HEADERS // 2)
        clients += [lambda: self.hold('half bodies', body)] * (BODIES // 2)
        clients += [lambda: self.hold('half bodies', body, b'x')] * (BODIES // 2)
        clients += [lambda: self.hold('answers not read', script * 8, read=False)] * READERS
        clients += [lambda: self.send('JPEGs of 99 scans', [bomb])] * BOMBS
        clients += [lambda: self.send('JPEGs of 99 scans, left', [bomb], 0.3)] * BOMBS
        clients += [lambda: self.send('16 x 40 megapixels', [large] * 16)] * LARGE
        await asyncio.gather(*map(self.again, clients))

    async def honest(self, path: str, body: bytes | None) -> list[tuple[int, float]]:
        """Ask once a second for a mask, or whether the service is there; return what came, when."""
        found = []
        async with httpx.AsyncClient(base_url=self.address, timeout=60) as client:
            while time.monotonic() < self.end:
                started = time.perf_counter()
                try:
                    if body is None:
                        answer = await client.get(path)
                    else:
                        answer = await client.post(path, files={'file': body})
                    status = answer.status_code
                except httpx.TransportError:
                    status = 0
                found.append((status, time.perf_counter() - started))
                await asyncio.sleep(1)
        return found


def attackers(port: int, end: float, counts: Connection) -> None:
    """Attack, in a process of their own; send how often what was done."""
    clients = Clients(port, end)
    asyncio.run(clients.attack())
    counts.send(clients.done)


def flat(side: int, kind: str, **options: object) -> bytes:
    """Return a grey picture of so many pixels squared."""
    file = io.BytesIO()
    Image.new('RGB', (side, side), 'grey').save(file, kind, **options)
    return file.getvalue()


def scan_bomb(side: int, scans: int) -> bytes:
    """Return a progressive JPEG whose last scan comes so many more times."""
    data = flat(side, 'JPEG', progressive=True)
    last, end = data.rindex(b'\xff\xda'), data.rindex(b'\xff\xd9')
    return data[:end] + data[last:end] * scans + data[end:]


def memory(process: int) -> int:
    """Return the MiB that a process and its children have now (Linux)."""
    found = 0
    children = Path(f'/proc/{process}/task/{process}/children').read_text(encoding='utf-8').split()
    for one in (process, *children):
        with suppress(OSError, StopIteration):
            lines = Path(f'/proc/{one}/status').read_text(encoding='utf-8').splitlines()
            found += int(next(line for line in lines if line.startswith('VmRSS')).split()[1])
    return found // 1024


async def watch(process: int, end: float) -> int:
    """Return the most MiB until a time."""
    most = 0
    while time.monotonic() < end:
        most = max(most, memory(process))
        await asyncio.sleep(0.1)
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model')
    parser.add_argument('checkpoint', nargs='?')
    parser.add_argument('--seconds', type=float, default=60)
    args = parser.parse_args()
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    photograph = cv2.resize(image, (500, 375), interpolation=cv2.INTER_CUBIC)
    data = cv2.imencode('.jpg', photograph)[1].tobytes()
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    words = [sys.executable, 'tools/serve.py', args.model, *filter(None, [args.checkpoint])]
    words += ['--port', str(port), '--seconds', str(WAIT), '--decode-seconds', str(DECODE)]
    service = subprocess.Popen(words, cwd=PROJECT_ROOT, stdout=subprocess.PIPE)
    try:
        assert service.stdout
        service.stdout.readline()  # it listens
        before = memory(service.pid)

        end = time.monotonic() + args.seconds
        counts, sender = multiprocessing.Pipe(duplex=False)
        others = multiprocessing.Process(target=attackers, args=(port, end, sender))
        others.start()
        time.sleep(3)  # until they have drawn their pictures
        clients = Clients(port, end)

        async def all_of_them() -> list[Any]:
            asked = [clients.honest('/v1/mask', data) for _ in range(HONEST)]
            asked.append(clients.honest('/healthz', None))
            return await asyncio.gather(watch(service.pid, end), *asked)

        most, *masks, health = asyncio.run(all_of_them())
        done = counts.recv()
        others.join()
        httpx.get(f'{clients.address}/healthz', timeout=60).raise_for_status()
    finally:
        service.terminate()
    found = [one for some in masks for one in some]
    statuses = Counter(status for status, _ in found)
    answered = [seconds for status, seconds in found if status == 200]
    rows = {
        'honest requests': len(found),
        'answered': statuses[200],
        'refused with 503': statuses[503],
        'anything else': len(found) - statuses[200] - statuses[503],
        'ms of the answered, median': round(1000 * statistics.median(answered)),
        'ms of all, most': round(1000 * max(seconds for _, seconds in found)),
        'requests of /healthz': len(health),
        'answered there': sum(status == 200 for status, _ in health),
        'ms of /healthz, median': round(1000 * statistics.median(time for _, time in health)),
        'ms of /healthz, most': round(1000 * max(seconds for _, seconds in health)),
        **{f'attacks: {name}': count for name, count in done.items()},
        'MiB before, with all processes': before,
        'MiB at most': most,
        'status of the process in the end': service.wait(60),
    }
    for name, value in rows.items():
        print(f'{name}: {value}')
    protocol = (
        f'{args.seconds:.0f} s of {HONEST} honest clients beside {HEADERS:,} half headers, '
        f'{BODIES} half bodies, {READERS} answers that nobody reads, {2 * BOMBS} clients that send '
        f'JPEGs of 99 scans and 40 megapixels and {LARGE} that send 16 pictures of 40 megapixels '
        f'at a time; an image may wait {WAIT} s; all on one machine, which others used too'
    )
    write('attacks', dict(protocol=protocol, rows={k: {'value': v} for k, v in rows.items()}))


if __name__ == '__main__':
    main()
