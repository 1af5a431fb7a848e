"""The one way in which the harness talks to a proxy server, embedded or real.

An adapter over toxiproxy-python, which keeps its server's address in class attributes, knows no
time-outs, obeys HTTP_PROXY, lists everything before it creates anything, takes most errors for
answers, and can't update. Here each client has its server, each call a deadline, each failure one
readable error, so that worlds with servers of their own can live side by side in one process.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

import requests
import toxiproxy.proxy
import toxiproxy.server
from toxiproxy.api import APIConsumer

from harness.control import showing
from harness.errors import WorldError
from harness.frozen import Frozen
from harness.toxiproxy.spec import ToxicSpec

DEFAULT_TIMEOUT_S = 5.0
_POLL_S = 0.02


class ProxyServerError(WorldError):
    """A proxy server couldn't be reached, or refused; `status` is 0 when there was no answer.

    `late` where one may yet have come: a refused connection says that nobody is there.
    """

    def __init__(self, message: str, *, status: int = 0, late: bool = False) -> None:
        super().__init__(message, late=late)
        self.status = status


class ProxyAddress(Frozen, kw_only=True):
    """A proxy as the server reports it."""

    name: str
    listen: str
    """Where it really listens, as `host:port`."""
    upstream: str
    enabled: bool
    toxics: tuple[ToxicSpec, ...] = ()
    """Those in force, in the server's order."""

    @property
    def port(self) -> int:
        """The port of `listen`; kept while the proxy is disabled."""
        return int(self.listen.rpartition(":")[2])


class ToxiproxyClient:
    """A proxy server at `http://host:port`; calls are safe from several threads.

    `token` is shown with each call: an embedded server may ask for it, and a real one's log tells
    by `agent` which calls were this client's. Every method raises ProxyServerError, within
    `timeout_s` (seconds, for each call).
    """

    def __init__(self, url: str, *, timeout_s: float = DEFAULT_TIMEOUT_S, token: str = "") -> None:
        self.url = url.rstrip("/")
        self.timeout_s = timeout_s
        self.agent = f"outage-harness/{token}".rstrip("/")
        """The User-Agent of its calls."""
        self._headers = {"User-Agent": self.agent, **showing(token)}

    def wait_until_ready(self, timeout_s: float = 10.0) -> str:
        """Asks until the server answers; returns its version."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            try:
                return self.version()
            except ProxyServerError as error:
                if time.monotonic() >= deadline_s:
                    raise ProxyServerError(str(error), status=error.status, late=True) from error
                time.sleep(_POLL_S)

    def version(self) -> str:
        """The server's version, `2.12.0` for the embedded one."""
        answer = self._request("GET", "/version")
        return str(answer.json()["version"])

    def create(
        self,
        name: str,
        upstream: str,
        *,
        listen: str = "127.0.0.1:0",
        toxics: Iterable[ToxicSpec] = (),
        enabled: bool = True,
    ) -> ProxyAddress:
        """A new proxy to `upstream` (`host:port`); toxics are in force before its port opens.

        With `enabled=False` and port 0 the real port is known once it has been enabled.
        """
        specs = tuple(toxics)
        body = {
            "name": name,
            "upstream": upstream,
            "listen": listen,
            "enabled": enabled and not specs,
        }
        created = self._request("POST", "/proxies", json=body).json()
        for spec in specs:
            self.add_toxic(name, spec)
        return self.enable(name) if enabled and specs else _address(created)

    def proxies(self) -> tuple[ProxyAddress, ...]:
        """All proxies of the server."""
        found = self._request("GET", "/proxies").json()
        return tuple(_address(item) for item in found.values())

    def enable(self, name: str) -> ProxyAddress:
        """Listens again, on the same port."""
        return self._switch(name, True)

    def disable(self, name: str) -> ProxyAddress:
        """Refuses connections and closes those there are; both have happened on return."""
        return self._switch(name, False)

    def set_upstream(self, name: str, upstream: str) -> ProxyAddress:
        """Relays to another address; connections are closed, toxics and the port stay."""
        body = {"upstream": upstream}
        return _address(self._request("PATCH", f"/proxies/{_quoted(name)}", json=body).json())

    def delete(self, name: str) -> None:
        """Stops and forgets a proxy."""
        with self._library():
            _handle(name).destroy()

    def reset(self) -> None:
        """Enables every proxy and removes every toxic."""
        with self._library():
            toxiproxy.server.Toxiproxy().reset()

    def add_toxic(self, proxy: str, spec: ToxicSpec) -> None:
        """Puts a toxic at the end of its direction's chain."""
        with self._library():
            _handle(proxy).add_toxic(
                type=spec.type,
                stream=spec.stream,
                name=spec.full_name,
                toxicity=spec.toxicity,
                attributes=dict(spec.attributes),
            )

    def update_toxic(
        self, proxy: str, name: str, attributes: Mapping[str, int], toxicity: float | None = None
    ) -> None:
        """Changes attributes, and the toxicity unless it is None, of a toxic in force."""
        body: dict[str, object] = {"attributes": dict(attributes)}
        if toxicity is not None:
            body["toxicity"] = toxicity
        path = f"/proxies/{_quoted(proxy)}/toxics/{_quoted(name)}"
        self._request("PATCH", path, json=body)

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Takes a toxic away."""
        with self._library():
            _handle(proxy).destroy_toxic(_quoted(name))

    def toxics(self, proxy: str) -> tuple[ToxicSpec, ...]:
        """A proxy's toxics, upstream first."""
        found = self._request("GET", f"/proxies/{_quoted(proxy)}/toxics").json()
        return tuple(map(_toxic, found))

    def _switch(self, name: str, enabled: bool) -> ProxyAddress:
        # Toxiproxy.enable() hides the answer, and with it the port.
        answer = self._request("PATCH", f"/proxies/{_quoted(name)}", json={"enabled": enabled})
        return _address(answer.json())

    @contextlib.contextmanager
    def _library(self) -> Iterator[None]:
        """Calls of toxiproxy-python inside go to this client's server."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def _request(self, method: str, path: str, json: object = None) -> requests.Response:
        url = f"{self.url}{path}"
        try:
            # A new connection for each call: an idle one may be closed by the server at any moment.
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(
                    method,
                    url,
                    json=json,
                    headers=self._headers,
                    timeout=self.timeout_s,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            late = isinstance(error, requests.Timeout)
            raise ProxyServerError(
                f"{method} {url}: {_why(error, self.timeout_s)}", late=late
            ) from error
        if answer.status_code >= 300:
            raise ProxyServerError(
                f"{method} {url}: {answer.status_code} {_said(answer)}", status=answer.status_code
            )
        return answer


_current: ContextVar[ToxiproxyClient | None] = ContextVar("_current", default=None)


class _RoutedConsumer(APIConsumer):  # type: ignore[misc]
    """Stands in the library's place for its API consumer: sends calls where the context says.

    Outside of any client it behaves as the library always did.
    """

    @classmethod
    def get(cls, url: str, params: Any = None, **kwargs: Any) -> Any:
        client = _current.get()
        if client is None:
            return super().get(url, params, **kwargs)
        return client._request("GET", url)

    @classmethod
    def post(cls, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> Any:
        client = _current.get()
        if client is None:
            return super().post(url, data, json, **kwargs)
        return client._request("POST", url, json=json)

    @classmethod
    def delete(cls, url: str, **kwargs: Any) -> Any:
        client = _current.get()
        if client is None:
            return super().delete(url, **kwargs)
        return client._request("DELETE", url)


toxiproxy.proxy.APIConsumer = _RoutedConsumer
toxiproxy.server.APIConsumer = _RoutedConsumer


def _quoted(name: str) -> str:
    """A name as part of a path; the library doesn't quote. A slash can't be addressed at all."""
    return quote(name, safe="")


def _handle(name: str) -> Any:
    """The library's proxy object, for its calls only."""
    return toxiproxy.proxy.Proxy(name=_quoted(name), upstream="", enabled=True, listen="")


def _address(item: Mapping[str, Any]) -> ProxyAddress:
    return ProxyAddress(
        name=item["name"],
        listen=item["listen"],
        upstream=item["upstream"],
        enabled=item["enabled"],
        toxics=tuple(map(_toxic, item.get("toxics") or ())),
    )


def _toxic(item: Mapping[str, Any]) -> ToxicSpec:
    return ToxicSpec(
        type=item["type"],
        stream=item["stream"],
        name=item["name"],
        toxicity=item["toxicity"],
        attributes=item["attributes"],
    )


def _said(answer: requests.Response) -> str:
    """The server's own words."""
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.text.strip()[:200]


def _why(error: requests.RequestException, timeout_s: float) -> str:
    if isinstance(error, requests.Timeout):
        return f"no answer within {timeout_s:g} s"
    if isinstance(error, requests.ConnectionError):
        return "no proxy server there (connection refused or lost)"
    return str(error)
