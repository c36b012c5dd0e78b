"""Who a browser may ask for: only this service, under its own names, by its own pages."""

import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

#: Names of this machine for itself.
LOOPBACK = ('localhost', '127.0.0.1', '::1')

#: Any name: for a service behind a proxy that looks at it.
ANY = '*'

_HOST = re.compile(r'(?:\[(?P<address>[0-9a-fA-F:.]+)\]|(?P<name>[\w.-]+))(?::\d{0,5})?', re.ASCII)


class SiteCheck:
    """Answer 421 to another service's name, and 403 to a page of another site that sends something.

    A page of anybody can have its name point to this machine (DNS rebinding); its browser then
    takes the service for a part of that page, but names the page as the host. A page may also send
    forms to wherever it likes; the browser says from where.

    Args:
        app: application that is protected.
        hosts: names under which the service is asked, without port; ``'*'`` for any.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app = app
        self.hosts = {host.lower().strip('[]') for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope['type'] == 'http' else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get('host', '')
        if ANY not in self.hosts and host_name(host) not in self.hosts:
            detail = f'{host[:100]!r} is no name of this service; its option --allow-host adds one'
            return JSONResponse({'detail': detail}, 421)
        if scope['method'] in ('GET', 'HEAD'):
            return None
        if (site := headers.get('sec-fetch-site')) is not None:
            foreign = site not in ('same-origin', 'none')
        else:  # an older browser, or a page without encryption
            origin = headers.get('origin')
            foreign = origin is not None and origin.partition('://')[2].lower() != host.lower()
        if foreign:
            return JSONResponse({'detail': 'pages of other sites may send nothing here'}, 403)
        return None


def host_name(host: str) -> str | None:
    """Return the name in a Host header, without port and in lower case; None if there is none."""
    found = _HOST.fullmatch(host)
    return (found['address'] or found['name']).lower() if found else None
