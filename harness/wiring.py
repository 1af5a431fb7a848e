"""Where a target finds its upstreams: places in its command and environment, filled by the world.

Of the proxy before an upstream `mail`, `{mail.url}` is `http://127.0.0.1:PORT` (`tcp://` where it
is known not to speak HTTP), and `{mail.host}`, `{mail.port}`, `{mail.address}` (host:port) are its
parts. `{port}` is where the target itself is to listen, `{python}` the harness's own interpreter.
`{{mail.port}}` is `{mail.port}` itself. What has a dot and names neither an upstream nor a form is
the target's own: other templates are written so.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping

from harness.scenario.spelling import nearest

HOST = "127.0.0.1"
FORMS: dict[str, str] = {
    "url": "{scheme}://{host}:{port}",
    "host": "{host}",
    "port": "{port}",
    "address": "{host}:{port}",
}
_PLACE = re.compile(
    r"\{\{(?P<itself>[A-Za-z_][\w-]*\.\w+)\}\}"
    r"|\{(?P<upstream>[A-Za-z_][\w-]*)\.(?P<form>\w+)\}"
    r"|\{(?P<word>port|python)\}"
)


def filled(
    text: str, *, port: int, upstreams: Mapping[str, int], bare: Collection[str] = ()
) -> str:
    """A text with its places filled: `port` is the target's own, `upstreams` each proxy's.

    `bare` are those that don't speak HTTP.
    """

    def replaced(found: re.Match[str]) -> str:
        if found["itself"] is not None:
            return f"{{{found['itself']}}}"
        if found["word"] is not None:
            return str(port) if found["word"] == "port" else sys.executable
        if found["form"] not in FORMS or found["upstream"] not in upstreams:
            return found[0]
        scheme = "tcp" if found["upstream"] in bare else "http"
        form = FORMS[found["form"]]
        return form.format(scheme=scheme, host=HOST, port=upstreams[found["upstream"]])

    return _PLACE.sub(replaced, text)


def named_in(texts: Iterable[str]) -> tuple[str, ...]:
    """The upstreams whose addresses some texts ask for, each once."""
    found = (each for text in texts for each in _PLACE.finditer(text))
    return tuple(dict.fromkeys(each["upstream"] for each in found if each["form"] in FORMS))


def misplaced(text: str, upstreams: Iterable[str]) -> Iterator[str]:
    """What is wrong with the places of a text, with the nearest spelling of each."""
    known = tuple(upstreams)
    for found in _PLACE.finditer(text):
        upstream, form = found["upstream"], found["form"]
        if upstream is None or (upstream in known) == (form in FORMS):
            continue
        meant = nearest(form, FORMS) if upstream in known else nearest(upstream, known)
        said = f"place '{found[0]}' is not known"
        if meant is None:
            forms = ", ".join(f"{{{upstream}.{each}}}" for each in FORMS)
            options = f"known: {forms}" if upstream in known else f"upstreams: {', '.join(known)}"
        else:
            right = f"{upstream}.{meant}" if upstream in known else f"{meant}.{form}"
            options = f"did you mean '{{{right}}}'?"
        yield f"{said}; {options} (for the text itself write '{{{found[0]}}}')"
