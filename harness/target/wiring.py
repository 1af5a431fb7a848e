"""Where a target finds its upstreams: places in its command and environment, filled by the world.

Of the proxy before an upstream `mail`, `{mail.url}` is `http://127.0.0.1:PORT` (`https://` where
its stub speaks TLS, `tcp://` where it is known not to speak HTTP), and `{mail.host}`,
`{mail.port}`, `{mail.address}` (host:port) are its parts. `{port}` is where the target itself is to
listen, `{python}` the harness's own interpreter, `{files}` the folder of its filled templates,
`{tls.ca}` the file of the run's own authority, `{tls.cert}` and `{tls.key}` those of the target's
certificate. `{{mail.port}}` is `{mail.port}`
itself. What has a dot and names none of these is the target's own: other templates are written so.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping

from harness.scenario.spelling import nearest

HOST = "127.0.0.1"
FORMS: dict[str, str] = {
    "url": "{scheme}://{host}:{port}",
    "host": "{host}",
    "port": "{port}",
    "address": "{host}:{port}",
}
TLS = "tls"
FOLDER = "files"
"""The place of the folder in which filled templates lie."""
FILES = ("ca", "cert", "key")
_PLACE = re.compile(
    r"\{\{(?P<itself>[A-Za-z_][\w-]*\.\w+)\}\}"
    r"|\{(?P<name>(?P<upstream>[A-Za-z_][\w-]*)\.(?P<form>\w+)|port|python|files)\}"
)


def values(
    *,
    port: int,
    upstreams: Mapping[str, int],
    schemes: Mapping[str, str],
    files: Mapping[str, str],
    folder: str = "",
    python: str = sys.executable,
) -> dict[str, str]:
    """What each place stands for: `port` is the target's own, `upstreams` each proxy's.

    `schemes` are those that aren't http, `files` what of `FILES` there is, `folder` where its
    filled templates lie, if it has any, `python` what it runs in.
    """
    found = {"port": str(port), "python": python}
    found |= {FOLDER: folder} if folder else {}
    found |= {f"{TLS}.{name}": path for name, path in files.items()}
    for upstream, number in upstreams.items():
        parts = {"scheme": schemes.get(upstream, "http"), "host": HOST, "port": number}
        found |= {f"{upstream}.{form}": text.format(**parts) for form, text in FORMS.items()}
    return found


def filled(text: str, known: Mapping[str, str]) -> str:
    """A text with its places filled; others stay as they are."""

    def replaced(found: re.Match[str]) -> str:
        if found["itself"] is not None:
            return f"{{{found['itself']}}}"
        return known.get(found["name"], found[0])

    return _PLACE.sub(replaced, text)


def named_in(texts: Iterable[str]) -> tuple[str, ...]:
    """The upstreams whose addresses some texts ask for, each once."""
    found = (each for text in texts for each in _PLACE.finditer(text))
    return tuple(dict.fromkeys(each["upstream"] for each in found if each["form"] in FORMS))


def misplaced(text: str, upstreams: Iterable[str], files: Iterable[str]) -> Iterator[str]:
    """What is wrong with the places of a text, with the nearest spelling of each.

    `files`: those of `FILES` that there will be.
    """
    known, there = tuple(upstreams), tuple(files)
    for found in _PLACE.finditer(text):
        upstream, form = found["upstream"], found["form"]
        if upstream is None:
            continue
        itself = f"(for the text itself write '{{{found[0]}}}')"
        if upstream == TLS and form not in FORMS:
            if form not in there:
                yield f"{_without_file(found[0], form)} {itself}"
            continue
        if (upstream in known) == (form in FORMS):
            continue
        meant = nearest(form, FORMS) if upstream in known else nearest(upstream, known)
        if meant is None:
            forms = ", ".join(f"{{{upstream}.{each}}}" for each in FORMS)
            options = f"known: {forms}" if upstream in known else f"upstreams: {', '.join(known)}"
        else:
            right = f"{upstream}.{meant}" if upstream in known else f"{meant}.{form}"
            options = f"did you mean '{{{right}}}'?"
        yield f"place '{found[0]}' is not known; {options} {itself}"


def _without_file(place: str, form: str) -> str:
    if form in FILES:
        asked = "`tls: [mail]` or `start: {tls: true}`" if form == "ca" else "`start: {tls: true}`"
        return f"place '{place}' stands for nothing without {asked}"
    meant = nearest(form, FILES)
    known = ", ".join(f"{{{TLS}.{each}}}" for each in FILES)
    options = f"did you mean '{{{TLS}.{meant}}}'?" if meant else f"known: {known}"
    return f"place '{place}' is not known; {options}"
