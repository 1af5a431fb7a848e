"""Target files, loaded: typed and validated, or refused with every problem and its line."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from harness.contracts import BUNDLED as CONTRACT
from harness.contracts.promises import PROMISES, parted
from harness.errors import InvalidFile, UsageError
from harness.log_patterns import MARKS, fault_of
from harness.scenario.names import Misfits, without_routes
from harness.scenario.reading import Mistaken, read_file, read_model
from harness.scenario.spelling import did_you_mean, nearest, not_known
from harness.scenario.stub_names import stub_names
from harness.target import Target
from harness.target.parts import APPLICATION
from harness.target.templates import check_places, read_template
from harness.target.wiring import FOLDER, misplaced, named_in
from harness.upstreams.real_service import RealService
from harness.upstreams.stub_checks import check_routes
from harness.upstreams.stub_data import Stub

BUNDLED = ("reference", "naive")
"""Targets that need no file."""

_HERE = Path(__file__).parent / "bundled"
_STAND_INS = {"name": "'-'"}
_SCENARIO = Mistaken(
    keys=frozenset({"traffic", "faults", "expect"}),
    message="is a scenario, not a target file",
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s:/]+):([0-9]{1,5})")


def load_target(name_or_path: str | Path) -> Target:
    """The target of a file, or one of the bundled two by its name.

    Raises: UsageError when there is none, InvalidFile with all problems of the file.
    """
    name = str(name_or_path)
    known = bundled(name)
    if known is not None:
        return known
    path = Path(name)
    if not path.suffix and not _exists(path):
        hint = did_you_mean(name, BUNDLED) or f"; name a file, or one of {', '.join(BUNDLED)}"
        raise UsageError(f"target '{name}' is not known{hint}")
    return parse_target(read_file(path), name)


@cache
def bundled(name: str) -> Target | None:
    """The targets that come with the harness, `reference` and `naive`; None for another name."""
    if name not in BUNDLED:
        return None
    path = _HERE / f"{name}.yaml"
    return parse_target(read_file(path), str(path)).model_copy(update={"file": ""})


def parse_target(data: bytes | str, file: str) -> Target:
    """The target of a text, as if it stood in `file`.

    Raises: InvalidFile with all of its problems.
    """
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")

    folder = Path(file).parent
    target, _ = read_model(
        data,
        file,
        Target,
        what="a target",
        stand_ins=_STAND_INS,
        check=lambda target, _dropped: _check(target, folder),
        mistaken=_SCENARIO,
    )
    target = target.model_copy(update={"file": file})
    if "upstreams" not in target.model_fields_set:
        # Places alone wire a target of which no contract says more.
        placed = target.placed_upstreams and "contract_" not in target.model_fields_set
        variables = {} if placed else target.contract.variables
        target = target.model_copy(update={"upstreams": variables})
    return target


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _check(target: Target, folder: Path) -> Misfits:
    target = target.model_copy(update={"file": str(folder / "-")})
    unread = list(_unreadable(target, folder))
    if unread:
        yield from unread
        assert target.start is not None
        target = target.model_copy(update={"start": target.start.model_copy(update={"files": {}})})
    try:
        _ = target.contract
    except InvalidFile:
        raise
    except UsageError as error:
        yield ("contract",), f"{error}; expected a contract file, or `{CONTRACT}`"
    else:
        yield from _without(target)
    yield from _described(target)
    yield from _url(target, folder)
    yield from _start(target, folder)
    yield from _placed(target, folder)
    yield from _tls(target)
    yield from _wiring(target)
    yield from _asked(target)
    yield from _evidence(target)


def _without(target: Target) -> Misfits:
    """Claims that are misspelt: unlike any of the contract's they may be some scenario's own; and
    upstreams that it hasn't.
    """
    claims = target.contract.claims
    for index, text in enumerate(target.without):
        claim, upstream = parted(text)
        if upstream and upstream not in target.upstream_names:
            yield ("without", index), not_known("upstream", upstream, target.upstream_names)
        if claim not in (*claims, *PROMISES) and nearest(claim, claims) is not None:
            yield ("without", index), not_known("claim", claim, claims)


def _url(target: Target, folder: Path) -> Misfits:
    if target.url is None:
        if target.ca is not None:
            yield ("ca",), "is for a target whose `url` begins with https://"
        return
    try:
        parts = urlsplit(target.url)
        _ = parts.port  # raises where it is no number, or too large
    except ValueError as error:
        yield ("url",), f"expected an address such as http://127.0.0.1:8080 ({error})"
        return
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in target.url:
        yield ("url",), "expected an address such as http://127.0.0.1:8080"
    elif parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        yield ("url",), "expected no more than scheme, host and port; paths stand in `request`"
    elif target.ca is not None:
        if parts.scheme != "https":
            yield ("ca",), "is for a target whose `url` begins with https://"
        elif (why := unusable_ca(folder / target.ca)) is not None:
            yield ("ca",), why


def unusable_ca(file: Path) -> str | None:
    """Why a file can't be whom to trust; None where it can."""
    import ssl  # not before a target speaks TLS

    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        return f"{file} holds no certificates in PEM form"
    except (OSError, ValueError) as error:
        return f"{file} can't be read: {getattr(error, 'strerror', None) or error}"
    return None


def _start(target: Target, folder: Path) -> Misfits:
    if target.ready_within == 0:
        yield ("ready_within",), "expected more than 0s"
    start = target.start
    if start is None:
        return
    if not start.command and start.app is None:
        yield ("start",), "expected a `command`, or `wsgi` (`asgi`) for the simulation alone"
    if start.command and not start.command[0].strip():
        yield ("start", "command", 0), "expected the name of a program"
    places = ("port", "python", *((FOLDER,) if start.files else ()))
    for index, word in enumerate(start.command):
        for place in re.findall(r"\{(\w+)\}", word):
            if place not in places:
                yield ("start", "command", index), not_known("place", place, places)
        if "\0" in word:
            yield ("start", "command", index), "a word of a command can't hold a NUL character"
    for variable, value in start.env.items():
        if not variable or "=" in variable or "\0" in variable:
            yield ("start", "env", variable), f"{variable!r} can't name an environment variable"
        if "\0" in value:
            yield ("start", "env", variable), "a variable can't hold a NUL character"
    if not _is_dir(folder / start.cwd):
        yield ("start", "cwd"), f"there is no folder {folder / start.cwd}"
    if start.python is not None and not _is_file(folder / start.cwd / start.python):
        yield ("start", "python"), f"there is no file {folder / start.cwd / start.python}"
    for key, app in (("wsgi", start.wsgi), ("asgi", start.asgi)):
        if app is not None and not re.fullmatch(APPLICATION, app):
            yield ("start", key), "expected module:attribute, such as app:app"
    if start.wsgi is not None and start.asgi is not None:
        yield ("start", "asgi"), "`wsgi` and `asgi` exclude each other; keep one of them"


def _wiring(target: Target) -> Misfits:
    known = tuple(dict.fromkeys((*stub_names(), *target.stubs, *target.real)))
    if "PORT" in target.upstreams:
        yield ("upstreams", "PORT"), "PORT tells the target its own port; name another variable"
    for variable, upstream in target.upstreams.items():
        if not _VARIABLE.fullmatch(variable):
            yield ("upstreams", variable), f"'{variable}' can't name an environment variable"
        if upstream not in known:
            hint = not_known("upstream", upstream, known)
            yield ("upstreams", variable), f"{hint} (others need `stubs:` or `real:`)"
    for name, breaker in target.breakers.items():
        if breaker.timeout == 0:
            yield ("breakers", name, "timeout"), "expected more than 0s"
        if name not in known:
            yield ("breakers", name), not_known("upstream", name, known)
    for name, stub in target.stubs.items():
        path = ("stubs", name, "routes") if isinstance(stub, Stub) else ("stubs", name)
        yield from check_routes(target.written_routes(name), path)
        yield from _openapi(target, name)
        meant = nearest(name, target.upstream_names)
        nobodys = name not in target.upstream_names and name not in stub_names()
        if nobodys and meant is not None:
            yield ("stubs", name), f"stub '{name}' is nobody's upstream; did you mean '{meant}'?"
    for name, real in target.real.items():
        match = _ADDRESS.fullmatch(target.real_address(name) or "")
        if match is None or not 0 < int(match[2]) <= 65535:
            path = ("real", name, "address") if isinstance(real, RealService) else ("real", name)
            yield path, "expected host:port, such as 127.0.0.1:9000"
        if name in target.stubs:
            yield ("stubs", name), f"{name} is a real service (`real:`); no stub plays it"
        if name in target.tcp_upstreams and name in target.background:
            yield ("background", name), f"{without_routes(name)}: leave it out"


def _asked(target: Target) -> Misfits:
    """Names in what it is asked: users of its requests, places of its status page."""
    for name, sample in target.routes.items():
        if sample.as_ is not None and sample.as_ not in target.user_ids:
            yield ("routes", name, "as"), not_known("user", sample.as_, target.user_ids)
    if target.status is not None:
        for place in re.findall(r"\{(.*?)\}", target.status.state):
            if place != "upstream":
                yield ("status", "state"), not_known("place", place, ("upstream",))


def _unreadable(target: Target, folder: Path) -> Misfits:
    """Templates that can't be read, or lead out of the target's folder."""
    files = {} if target.start is None else target.start.files
    for name, template in files.items():
        try:
            read_template(name, template, folder)
        except UsageError as error:
            yield ("start", "files", name), str(error)


def _placed(target: Target, folder: Path) -> Misfits:
    """Addresses that the command, the environment or a template asks for, and nobody has."""
    start = target.start
    if start is None:
        return
    known = dict.fromkeys((*stub_names(), *target.stubs, *target.real))
    texts = {("start", "command", index): word for index, word in enumerate(start.command)}
    for path, text in (texts | {("start", "env", n): v for n, v in start.env.items()}).items():
        for problem in misplaced(text, known, target.tls_files):
            yield path, problem
    check_places(target.templates, start.files, folder, known, target.tls_files)


def _tls(target: Target) -> Misfits:
    """Whom the run's own authority is to vouch for, and can't."""
    for index, name in enumerate(target.tls):
        if name in target.real:
            yield ("tls", index), f"{name} is real (`real:`), and has a certificate of its own"
        elif name not in target.upstream_names:
            yield ("tls", index), not_known("upstream", name, target.upstream_names)
    sealed = (*target.tls, *target.real)
    for variable, text in () if target.start is None else target.start.env.items():
        for name in named_in((text,)):
            if f"https://{{{name}." in text and name not in sealed:
                why = f"the stub of {name} speaks no TLS without `tls: [{name}]`"
                yield ("start", "env", variable), f"{why}; {{{name}.url}} has the scheme in it"


def _openapi(target: Target, name: str) -> Misfits:
    """What keeps an OpenAPI file from being read; what is wrong inside of it is raised."""
    try:
        _ = target.stub_routes(name)
    except InvalidFile:
        raise
    except UsageError as error:
        yield ("stubs", name, "openapi"), f"{error}; expected an OpenAPI file"


def _described(target: Target) -> Misfits:
    """What keeps its own OpenAPI file from being read; what is wrong inside of it is raised."""
    try:
        found = target.described
    except InvalidFile:
        raise
    except UsageError as error:
        yield ("openapi",), f"{error}; expected an OpenAPI file"
        return
    if target.openapi is not None and not found and not target.routes:
        yield ("openapi",), "describes no request that can be made; say some under `routes:`"


def _evidence(target: Target) -> Misfits:
    if target.log is None:
        return
    for mark in MARKS:
        pattern = getattr(target.log, mark)
        fault = None if pattern is None else fault_of(pattern)
        if fault is not None:
            yield ("log", mark), f"{mark}: {fault}"
    for said, name in target.log.names.items():
        if name not in target.upstream_names:
            yield ("log", "names", said), not_known("upstream", name, target.upstream_names)
