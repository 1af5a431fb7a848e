"""Toxiproxy's HTTP API over a set of proxies: routes, checks in their order, statuses, bodies.

Source: Toxiproxy 2.12 `api.go`, `proxy_collection.go`. No handler waits for a connection's data.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from harness.faults import TOXICS
from harness.frozen import Frozen
from harness.toxiproxy import decode
from harness.toxiproxy.addresses import AddressError, describe, resolve_listen
from harness.toxiproxy.decode import ProxyBody
from harness.toxiproxy.gojson import JsonError, encode
from harness.toxiproxy.log import Log
from harness.toxiproxy.proxy import Proxy
from harness.toxiproxy.toxics import DIRECTIONS, NamedToxic

VERSION = "2.12.0"
"""The Toxiproxy whose behaviour this server has."""

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"


class Answer(Frozen, kw_only=True):
    """An HTTP answer, but for what every answer has."""

    status: int
    body: bytes = b""
    content_type: str = ""
    nosniff: bool = False
    headers: tuple[tuple[str, str], ...] = ()


class ApiError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def answer(self) -> Answer:
        """As Toxiproxy sends it: JSON labelled as text, with a newline."""
        text = encode({"error": self.message, "status": self.status})
        return plain(self.status, text)


def plain(status: int, text: str) -> Answer:
    """What Go's `http.Error` sends."""
    return Answer(status=status, body=f"{text}\n".encode(), content_type=PLAIN, nosniff=True)


def _json(status: int, value: object) -> Answer:
    return Answer(status=status, body=encode(value).encode(), content_type=JSON)


def _reason(problem: OSError | ValueError) -> str:
    """Why a file can't be opened, as Go says it; a path with a NUL is a ValueError here."""
    return describe(problem) if isinstance(problem, OSError) else "invalid argument"


def _bad_body(error: JsonError) -> ApiError:
    return ApiError(400, f"bad request body: {error}")


Endpoint = Callable[..., Awaitable[Answer]]


class Api:
    """The proxies of one server and what can be asked of them."""

    def __init__(self, log: Log, *, seed: int | None = None) -> None:
        self._log = log
        self._seed = seed
        self._proxies: dict[str, Proxy] = {}

    def find(self, path: str) -> tuple[dict[str, Endpoint], tuple[str, ...]] | None:
        """The endpoints by method of a decoded path, and its variables; None is a 404."""
        match path.split("/")[1:]:
            case ["version"]:
                return {"GET": self.version}, ()
            case ["reset"]:
                return {"POST": self.reset}, ()
            case ["populate"]:
                return {"POST": self.populate}, ()
            case ["proxies"]:
                return {"GET": self.list_proxies, "POST": self.create_proxy}, ()
            case ["proxies", name] if name:
                update = self.update_proxy
                return {
                    "GET": self.show_proxy, "POST": update, "PATCH": update,
                    "DELETE": self.delete_proxy,
                }, (name,)  # fmt: skip
            case ["proxies", name, "toxics"] if name:
                return {"GET": self.list_toxics, "POST": self.create_toxic}, (name,)
            case ["proxies", name, "toxics", toxic] if name and toxic:
                change = self.update_toxic
                return {
                    "GET": self.show_toxic, "POST": change, "PATCH": change,
                    "DELETE": self.delete_toxic,
                }, (name, toxic)  # fmt: skip
        return None

    async def populate_from(self, path: str) -> None:
        """Creates the proxies of a JSON file, as `-config` does; the log says what came of it.

        As with Toxiproxy's, a file that can't be read or used stops nobody from serving, and the
        proxies before the first that fails stay.
        """
        try:
            with open(path, "rb") as file:
                body = file.read()
        except IsADirectoryError:
            error = f"bad request body: read {path}: is a directory"
            self._log.line(
                "error", "Failed to populate proxies from file", "api.go:156", error=error
            )
            return
        except (OSError, ValueError) as problem:
            error = f"open {path}: {_reason(problem)}"
            self._log.line(
                "error", "Error reading config file", "api.go:150", error=error, config=path
            )
            return
        done: list[Proxy] = []
        try:
            await self._populate(body, done)
        except ApiError as problem:
            self._log.line(
                "error", "Failed to populate proxies from file", "api.go:156",
                error=problem.message,
            )  # fmt: skip
        else:
            self._log.line("info", "Populated proxies from file", "api.go:158", proxies=len(done))

    def close(self) -> None:
        """Stops every proxy."""
        for proxy in self._proxies.values():
            proxy.stop()

    async def version(self, body: bytes) -> Answer:
        """Which Toxiproxy this behaves as."""
        text = f'{{"version": "{VERSION}"}}\n'.encode()
        return Answer(status=200, body=text, content_type="application/json;charset=utf-8")

    async def reset(self, body: bytes) -> Answer:
        """Starts every proxy and removes every toxic."""
        for proxy in tuple(self._proxies.values()):
            try:
                await proxy.start()
            except AddressError as error:
                raise ApiError(500, str(error)) from None
            for toxic in proxy.toxics:
                proxy.remove_toxic(toxic)
        return Answer(status=204)

    async def populate(self, body: bytes) -> Answer:
        """Creates proxies, or replaces those that differ; the first failure ends it."""
        done: list[Proxy] = []
        try:
            await self._populate(body, done)
        except ApiError as error:
            shown = [proxy.to_json() for proxy in done] or None
            fields = {"error": error.message, "status": error.status, "proxies": shown}
            return _json(error.status, fields)
        return _json(201, {"proxies": [proxy.to_json() for proxy in done] or None})

    async def _populate(self, body: bytes, done: list[Proxy]) -> None:
        try:
            entries = decode.populate_body(body)
        except JsonError as error:
            raise _bad_body(error) from None
        for number, entry in enumerate(entries, 1):
            for field in ("name", "upstream"):
                if not getattr(entry, field):
                    raise ApiError(400, f"missing required field: {field} at proxy {number}")
        for entry in entries:
            done.append(await self._add_or_replace(entry))

    async def _add_or_replace(self, entry: ProxyBody) -> Proxy:
        old = self._proxies.get(entry.name)
        if old is not None:
            if not await self._differs(old, entry):
                return old
            old.stop()
        new = self._new(entry)
        if entry.enabled:
            await self._start(new)
        self._proxies[new.name] = new
        return new

    async def list_proxies(self, body: bytes) -> Answer:
        """All proxies by name, in the order of their names' bytes."""
        names = sorted(self._proxies, key=lambda name: name.encode())
        return _json(200, {name: self._proxies[name].to_json() for name in names})

    async def create_proxy(self, body: bytes) -> Answer:
        """A new proxy; toxics in the body are ignored."""
        try:
            entry = decode.proxy_body(body, ProxyBody())
        except JsonError as error:
            raise _bad_body(error) from None
        for field in ("name", "upstream"):
            if not getattr(entry, field):
                raise ApiError(400, f"missing required field: {field}")
        self._refuse_known(entry.name)
        proxy = self._new(entry)
        if entry.enabled:
            await self._start(proxy)
            if entry.name in self._proxies:  # created by another request while this one resolved
                proxy.stop()
                self._refuse_known(entry.name)
        self._proxies[proxy.name] = proxy
        return _json(201, proxy.to_json())

    async def show_proxy(self, body: bytes, name: str) -> Answer:
        """One proxy."""
        return _json(200, self._proxy(name).to_json())

    async def update_proxy(self, body: bytes, name: str) -> Answer:
        """Changes listen, upstream or enabled; toxics stay."""
        proxy = self._proxy(name)
        start = ProxyBody(listen=proxy.listen, upstream=proxy.upstream, enabled=proxy.enabled)
        try:
            entry = decode.proxy_body(body, start)
        except JsonError as error:
            raise _bad_body(error) from None
        if await self._differs(proxy, entry):
            proxy.stop()
            proxy.listen, proxy.upstream = entry.listen, entry.upstream
        if entry.enabled and not proxy.enabled:
            await self._start(proxy)
        elif not entry.enabled:
            proxy.disable()
        return _json(200, proxy.to_json())

    async def delete_proxy(self, body: bytes, name: str) -> Answer:
        """Stops and forgets a proxy."""
        self._proxy(name).stop()
        del self._proxies[name]
        return Answer(status=204)

    async def list_toxics(self, body: bytes, name: str) -> Answer:
        """All toxics of a proxy, upstream first."""
        return _json(200, [toxic.to_json() for toxic in self._proxy(name).toxics])

    async def create_toxic(self, body: bytes, name: str) -> Answer:
        """A new toxic at the end of its direction's chain."""
        proxy = self._proxy(name)
        try:
            entry = decode.toxic_body(body)
        except JsonError as error:
            raise _bad_body(error) from None
        if entry.stream.lower() not in DIRECTIONS:
            text = "stream was invalid, can be either upstream or downstream"
            raise ApiError(400, text)
        toxic_name = entry.name or f"{entry.kind}_{entry.stream}"
        if entry.kind not in TOXICS:
            raise ApiError(400, "invalid toxic type")
        if proxy.toxics.find(toxic_name) is not None:
            raise ApiError(409, "toxic already exists")
        settings, wrong = decode.attributes(entry.pairs, TOXICS[entry.kind]())
        if wrong is not None:
            raise _bad_body(wrong)
        toxic = NamedToxic(
            name=toxic_name, stream=entry.stream, toxicity=entry.toxicity, toxic=settings
        )
        proxy.add_toxic(toxic)
        return _json(200, toxic.to_json())

    async def show_toxic(self, body: bytes, name: str, toxic: str) -> Answer:
        """One toxic."""
        return _json(200, self._toxic(self._proxy(name), toxic).to_json())

    async def update_toxic(self, body: bytes, name: str, toxic: str) -> Answer:
        """Changes attributes and toxicity of a toxic, which starts again."""
        proxy = self._proxy(name)
        found = self._toxic(proxy, toxic)
        try:
            update = decode.toxic_update(body, found.toxic, found.toxicity)
        except JsonError as error:
            raise _bad_body(error) from None
        if update.wrong is not None:
            # Go decodes into the live toxic: what could be read is in force, without a new start.
            proxy.update_toxic(found, update.toxic, restart=False)
            raise _bad_body(update.wrong)
        new = proxy.update_toxic(found, update.toxic, toxicity=update.toxicity)
        return _json(200, new.to_json())

    async def delete_toxic(self, body: bytes, name: str, toxic: str) -> Answer:
        """Takes a toxic out of its chain."""
        proxy = self._proxy(name)
        proxy.remove_toxic(self._toxic(proxy, toxic))
        return Answer(status=204)

    # What the endpoints share

    def _new(self, entry: ProxyBody) -> Proxy:
        return Proxy(entry.name, entry.listen, entry.upstream, log=self._log, seed=self._seed)

    def _proxy(self, name: str) -> Proxy:
        if name not in self._proxies:
            raise ApiError(404, "proxy not found")
        return self._proxies[name]

    def _toxic(self, proxy: Proxy, name: str) -> NamedToxic:
        found = proxy.toxics.find(name)
        if found is None:
            raise ApiError(404, "toxic not found")
        return found

    def _refuse_known(self, name: str) -> None:
        if name in self._proxies:
            raise ApiError(409, "proxy already exists")

    async def _start(self, proxy: Proxy) -> None:
        try:
            await proxy.start()
        except AddressError as error:
            raise ApiError(500, str(error)) from None

    async def _differs(self, proxy: Proxy, entry: ProxyBody) -> bool:
        """Compares as text, after resolving what was asked for."""
        try:
            resolved = await resolve_listen(entry.listen)
        except AddressError as error:
            raise ApiError(500, str(error)) from None
        return proxy.listen != str(resolved) or proxy.upstream != entry.upstream
