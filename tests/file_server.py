"""A server of one file that misbehaves when it is told to."""

import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = bytes(range(256)) * 12_000  # 3 MB
MD5 = hashlib.md5(CONTENT).hexdigest()

HEAD = b'HTTP/1.1 200 OK\r\n'
CHUNKED = HEAD + b'Transfer-Encoding: chunked\r\n\r\n'

#: Faults that are an answer in bytes: its beginning, and what then comes again and again.
ENDLESS = {
    'no end': (HEAD + b'\r\n', b'x' * 65536),
    'chunks without end': (CHUNKED, b'1000\r\n' + b'x' * 4096 + b'\r\n'),
    'trailers without end': (CHUNKED + b'0\r\n', b'x: y\r\n' * 1000),
    'headers without end': (HEAD, b'x: y\r\n'),
    'a status without end': (b'HTTP/1.1 200 ', b'1' * 1000),
    'provisional answers without end': (b'', b'HTTP/1.1 100 Continue\r\n\r\n'),
    'a chunk of no size': (CHUNKED + b'many\r\n', b''),
    'no HTTP': (b'220 ready\r\n', b''),
    'nothing': (b'', b''),
}

#: The same, with a byte every few milliseconds.
SLOW = {
    'a byte now and then': (HEAD + b'\r\n', b'x'),
    'a head in pieces': (HEAD, b'x'),
    'silence': (b'', b''),
    'silence in the middle': (HEAD + b'\r\n' + CONTENT[:1000], b''),
}


class Server:
    """A local HTTP server that misbehaves in the ways listed in ``faults``, one per request."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {'/file': CONTENT}
        self.faults: list[str] = []
        self.ranges: list[str | None] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.http.server_port}'
        self.closing = threading.Event()
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> 'Server':
        return self

    def __exit__(self, *error: object) -> None:
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        fault = self.faults.pop(0) if self.faults else ''
        wanted = request.headers.get('Range')
        self.ranges.append(wanted)
        request.close_connection = True
        with contextlib.suppress(OSError):  # the client had enough
            if fault in ENDLESS or fault in SLOW:
                self.send_endless(request, fault)
            else:
                self.send_file(request, fault, wanted)

    def send_endless(self, request: BaseHTTPRequestHandler, fault: str) -> None:
        start, again = (ENDLESS | SLOW)[fault]
        request.wfile.write(start)
        while (again or fault in SLOW) and not self.closing.wait(0.01 * (fault in SLOW)):
            request.wfile.write(again)

    def send_file(self, request: BaseHTTPRequestHandler, fault: str, wanted: str | None) -> None:
        """Send the file, or a part of it.

        The fault can be a header to send in place of the right one, 'Content-Length: many', or an
        address to lead to, '-> ftp://127.0.0.1/file'.
        """
        content = self.files.get(request.path)
        if fault.startswith('-> '):
            request.send_response(302)
            request.send_header('Location', fault.removeprefix('-> '))
            request.end_headers()
            return
        if content is None or fault == 'not found':
            request.send_error(404)
            return
        if fault == 'busy':
            request.send_error(503)
            return
        if fault == 'wrong file':
            content = content[::-1]
        start = 0
        if wanted and fault != 'ignores Range':
            start = int(wanted.removeprefix('bytes=').removesuffix('-'))
            if start >= len(content):
                request.send_error(416)
                return
        body = content[start:]
        claimed = len(body)
        if fault == 'claims more':
            claimed += 1000
        if fault == 'claims less':
            claimed //= 2
        headers = {'Content-Length': str(claimed)}
        if start:
            headers['Content-Range'] = f'bytes {start}-{len(content) - 1}/{len(content)}'
        if ': ' in fault:
            headers |= [fault.split(': ', 1)]
        request.send_response(206 if start else 200)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        if fault == 'breaks off':
            body = body[: len(body) // 3]
        request.wfile.write(body[:claimed])
