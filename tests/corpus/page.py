"""What is asked of the service as if it had files to give: its page, pictures, examples, cards."""

import asyncio
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

from ..service_models import Brightness, photograph
from .case import Case

#: A file of every machine that the tests run on, and what it holds.
FILE, CONTENT = '/etc/passwd', b'root:'


@cache
def _app() -> Callable:
    from custom_modules.service.app import build_app
    from custom_modules.service.batcher import Batcher
    from custom_modules.service.settings import Limits

    limits = Limits(request_bytes=200_000, linger=0.0, decoders=1)
    return build_app({'brightness': Batcher(Brightness(), limits)}, limits)  # type: ignore[arg-type]


def ask(
    method: str, target: str, body: bytes = b'', headers: tuple[tuple[str, str], ...] = ()
) -> tuple[int, bytes]:
    """Return status and body of an answer; unlike a client's, the target is sent as it stands."""
    path, _, query = target.partition('?')
    given = {'host': 'localhost', **dict(headers)}
    scope = dict(
        type='http',
        http_version='1.1',
        method=method,
        path=unquote_to_bytes(path).decode('utf-8', 'replace'),
        raw_path=path.encode(),
        query_string=query.encode(),
        headers=[(name.encode(), value.encode()) for name, value in given.items()],
    )
    messages = iter([dict(type='http.request', body=body)])
    answer = [0, b'']

    async def receive() -> dict:
        if message := next(messages, None):
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict) -> None:
        answer[0] = message.get('status', answer[0])
        answer[1] += message.get('body', b'')

    asyncio.run(_app()(scope, receive, send))
    return answer[0], answer[1]  # type: ignore[return-value]


def _asked(method: str, target: str, *given: object) -> Callable[[Path], str]:
    def run(_: Path) -> str:
        status, body = ask(method, target, *given)  # type: ignore[arg-type]
        assert CONTENT not in body and b'def ' not in body, 'a file of the machine'
        return str(status)

    return run


FORM = (('content-type', 'multipart/form-data; boundary=x'),)
JSON = (('content-type', 'application/json'),)


def _form(*parts: tuple[str, bytes]) -> bytes:
    """Return a form of parts: what stands behind form-data, and the content."""
    lines = [
        b'--x\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n' % (words.encode(), content)
        for words, content in parts
    ]
    return b''.join([*lines, b'--x--\r\n'])


def _named(name: str) -> Callable[[Path], str]:
    """Send a photograph under a name."""

    def run(_: Path) -> str:
        from fastapi.testclient import TestClient

        with TestClient(_app.__wrapped__(), 'http://localhost') as client:  # which ends it
            answer = client.post('/v1/segment?mask=none', files={'files': (name, photograph())})
        kind = answer.headers['content-type'], answer.headers['x-content-type-options']
        return f'{kind}: {answer.json()["results"][0]["name"]}'

    return run


def _gradio(path: str) -> bytes:
    file = dict(path=path, meta=dict(_type='gradio.FileData'))
    return json.dumps(dict(data=[file], fn_index=-1, session_hash='s')).encode()


PATHS = {
    'a path outside': f'/../../../..{FILE}',
    'a path outside, encoded': '/..%2f..%2f..%2f..%2fetc%2fpasswd',
    'a path outside, its dots encoded': '/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
    'a path outside, encoded twice': '/..%252f..%252fetc%252fpasswd',
    'a path outside with backslashes': '/..%5c..%5cetc%5cpasswd',
    'a path outside in another encoding': '/..%c0%af..%c0%afetc/passwd',
    'an absolute path': f'/{FILE}',
    'an absolute path behind a file of the page': f'/page.js/../../../..{FILE}',
    'a file of the page and a zero': '/page.js%00.html',
    'a file of the page that has another path': '/page.html',
    'a folder of the page': '/static/',
    'the source behind the page': '/page.py',
    'a path outside the files of the interface': '/static-offline-docs/../core.py',
    'a path outside those files, encoded': '/static-offline-docs/..%2fcore.py',
    'an absolute path behind those files': f'/static-offline-docs/{FILE}',
    'a zero behind those files': '/static-offline-docs/swagger-ui.css%00',
    'the folder of those files': '/static-offline-docs/',
    'a file as Gradio gave it': f'/gradio_api/file={FILE}',
    'an example by a path': f'/v1/examples/{FILE}',
    'an example by a path, encoded': '/v1/examples/..%2f..%2fetc%2fpasswd',
}

EXAMPLES = {
    'an example before the first': '/v1/examples/-1',
    'an example after the last': '/v1/examples/6',
    'an example of 5,000 digits': '/v1/examples/' + '9' * 5000,
    'half an example': '/v1/examples/0.5',
    'an example that is nan': '/v1/examples/nan',
}

SENT: dict[str, tuple[Callable[[Path], str], str]] = {
    'a form with a path for a photograph': (
        _asked('POST', '/v1/mask', _form(('name="file"', FILE.encode())), FORM),
        '422',
    ),
    'a form with an address for a photograph': (
        _asked('POST', '/v1/mask', _form(('name="file"', b'file:///etc/passwd')), FORM),
        '422',
    ),
    'a path in an object, as Gradio took it': (
        _asked('POST', '/v1/segment', _gradio(FILE), JSON),
        '422',
    ),
    'an address in an object': (
        _asked('POST', '/v1/segment', _gradio('https://elsewhere.example/cat.png'), JSON),
        '422',
    ),
    "a request to Gradio's queue": (
        _asked('POST', '/gradio_api/queue/join', _gradio(FILE), JSON),
        '404',
    ),
    'a form that is cut off': (
        _asked('POST', '/v1/picture?kind=mask', b'--x\r\nContent-Disposition: form-', FORM),
        '422',
    ),
    'a form of 2,000 fields': (
        _asked('POST', '/v1/mask', _form(*[('name="a"', b'')] * 2000), FORM),
        '400',
    ),
    'a picture of a kind that is a path': (_asked('POST', f'/v1/picture?kind={FILE}'), '422'),
    'a picture of a kind that is none': (_asked('POST', '/v1/picture?kind=svg'), '422'),
    'a picture of no kind': (_asked('POST', '/v1/picture'), '422'),
    'a picture above a threshold that is nan': (
        _asked('POST', '/v1/picture?kind=mask&threshold=nan'),
        '422',
    ),
    'a picture of a model that is a path': (
        _asked(
            'POST',
            '/v1/picture?kind=mask&model=../../etc',
            _form(('name="file"; filename="a"', b'')),
            FORM,
        ),
        '404',
    ),
    'a picture of no photograph': (
        _asked('POST', '/v1/picture?kind=cutout', _form(('name="file"; filename="a"', b'')), FORM),
        '415',
    ),
    'pictures of two photographs in a request': (
        _asked(
            'POST',
            '/v1/segment?picture=overlay',
            _form(*[('name="files"; filename="a"', b'')] * 2),
            FORM,
        ),
        '413',
    ),
    'the page with a body of 300 kB': (_asked('GET', '/', b'x' * 300_000), '413'),
    'something sent to the page': (_asked('POST', '/', b'x'), '405'),
    'the page under another name (DNS rebinding)': (
        _asked('GET', '/', b'', (('host', 'elsewhere.example'),)),
        '421',
    ),
    'cards under another name (DNS rebinding)': (
        _asked('GET', '/v1/about', b'', (('host', 'elsewhere.example'),)),
        '421',
    ),
    'a picture for a page of another site': (
        _asked('POST', '/v1/picture?kind=mask', b'', (('origin', 'https://elsewhere.example'),)),
        '403',
    ),
    'a photograph that is called like a path and a script': (
        _named('../../<script>alert(1)</script>'),
        "('application/json', 'nosniff'): ../../<script>alert(1)</script>",
    ),
}


def _card(write: Callable[[Path], object]) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        from custom_modules.service.models import read_card

        write(folder / 'README.md')
        return str(read_card(folder))

    return run


CARDS = (
    Case(
        'card of a published model',
        'a link to another file',
        _card(lambda path: path.symlink_to(FILE)),
        refused='is a link, whose file the page would show',
    ),
    Case(
        'card of a published model',
        'a link to nothing',
        _card(lambda path: path.symlink_to('nothing')),
        refused='is a link, whose file the page would show',
    ),
    Case(
        'card of a published model',
        'a megabyte',
        _card(lambda path: path.write_bytes(b'x' * 2**20)),
        refused='more than 262,144 bytes',
    ),
    Case(
        'card of a published model',
        'no text',
        _card(lambda path: path.write_bytes(b'\xff\xfe')),
        refused='so it is no text',
    ),
    Case(
        'card of a published model',
        'a folder',
        _card(lambda path: path.mkdir()),
        refused='there is no such file',
    ),
    Case('card of a published model', 'none', _card(lambda _: None), read='None'),
    Case(
        'card of a published model',
        'lines for machines without end',
        _card(lambda path: path.write_text('---\nlicense: x\n')),
        read='---\nlicense: x',
    ),
    Case(
        'card of a published model',
        'lines for machines, and text',
        _card(lambda path: path.write_text('---\nlicense: x\n---\n# A card\n')),
        read='# A card',
    ),
)

PAGE = (
    *(
        Case('request to the page', name, _asked('GET', path), read=status)
        for paths, status in ((PATHS, '404'), (EXAMPLES, '422'))
        for name, path in paths.items()
    ),
    *(Case('request to the page', name, run, read=out) for name, (run, out) in SENT.items()),
    *CARDS,
)
