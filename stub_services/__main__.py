"""Run stub services: `python -m stub_services [auth billing ...] [--port auth=6001] [--host H]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
from typing import Any, NamedTuple

from stub_services.control import TOKEN, bearers_of, nobody
from stub_services.roster import SERVICES, build, class_of
from stub_services.server import listen, port_of


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 2 for a port that is taken or can't be bound."""
    options = _parser().parse_args(arguments)
    names = options.names or list(SERVICES)
    ports = {} if options.names else {name: class_of(name).default_port for name in SERVICES}
    ports |= dict(options.port)
    secured = {each.listener.partition("/")[0] for each in options.tls}
    if strangers := (set(ports) | secured) - set(names):
        print(
            f"a port is for {', '.join(sorted(strangers))}, which isn't run here", file=sys.stderr
        )
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_serve(names, options.host, ports, options.tls, alone=options.alone))
        except ssl.SSLError as error:
            print(f"--tls: not a certificate and its key: {error.reason}", file=sys.stderr)
            return 2
        except OSError as error:
            print(f"can't listen: {error.strerror or error}", file=sys.stderr)
            return 2
    return 0


async def _serve(
    names: list[str], host: str, ports: dict[str, int], tls: list[_Tls], *, alone: bool
) -> None:
    services = build(names)
    admits = bearers_of(os.environ.get(TOKEN, ""))
    servers = await listen(services, host=host, ports=ports, admits=admits, alone=alone)
    ready = {name: port_of(server) for name, server in servers.items()}
    # Whoever controls a stub does so in the clear; only its callers come by the second port.
    secured = {
        each.listener: await listen(
            {each.listener: services[each.listener.partition("/")[0]]},
            host=host,
            ports={each.listener: each.port},
            admits=nobody,
            alone=alone,
            tls={each.listener: _context(each)},
        )
        for each in tls
    }
    ports_there = {name: port_of(server[name]) for name, server in secured.items()}
    told = {"tls": ports_there} if tls else {}
    print(json.dumps({"ready": ready, **told}), flush=True)
    asyncio.get_running_loop().set_exception_handler(_tell)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopped.set)
    await stopped.wait()


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What befell a stub, such as having no files left, is no fault of its callers: say so."""
    cause = context.get("exception")
    text = f"{context['message']}{f': {cause}' if cause else ''}"
    print(json.dumps({"trouble": text}), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stub_services",
        description="Play the services that a gateway depends on. Without names: all, on "
        "their default ports. A name that isn't one of these is a service whose routes "
        "come by PUT /_stub/routes.",
        epilog=f"/_stub/ obeys who shows {TOKEN} as a bearer token; anyone where that is not set.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SERVICES)}")
    parser.add_argument(
        "--port", action="append", default=[], type=_port, metavar="NAME=PORT", help="0: any"
    )
    parser.add_argument(
        "--tls",
        action="append",
        default=[],
        type=_tls,
        metavar="NAME[/WORD]=PORT:CERT:KEY",
        help="listen for TLS, too, with the certificate and the key of these PEM files; once for "
        "each WORD",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: loopback)")
    parser.add_argument(
        "--alone", action="store_true", help="turn other accounts of this machine away"
    )
    return parser


class _Tls(NamedTuple):
    listener: str
    """The service's name, and after a slash whatever tells several of its listeners apart."""
    port: int
    certificate: str
    key: str


def _tls(text: str) -> _Tls:
    name, _, rest = text.partition("=")
    number, *files = rest.split(":")
    if len(files) != 2:
        raise argparse.ArgumentTypeError(f"{text!r}: expected such as mail=0:mail.pem:mail.key")
    return _Tls(*_port(f"{name}={number}"), *files)


def _context(tls: _Tls) -> ssl.SSLContext:
    """Raises: ssl.SSLError, OSError for files that can't be used."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls.certificate, tls.key)
    return context


def _port(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not name or not number.isdecimal() or int(number) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r}: expected such as auth=6001")
    return name, int(number)


if __name__ == "__main__":
    sys.exit(main())
