"""How each upstream is reached and how patient its client is, read from the environment.

AUTH_SERVER_URL, ...      the upstream's address
GATEWAY_PROFILE           documented (default), as_coded, per_call, patient
AUTH_ATTEMPTS, AUTH_TIMEOUT_S, AUTH_THRESHOLD, AUTH_WAIT_S, ...   one setting of one upstream
INTERNAL_SERVICE_TOKEN    what the gateway shows on the upstreams' internal routes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.resilience.client import ClientSettings


class SettingsError(ValueError):
    """A variable of the environment has a value that can't be used; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One service that the gateway depends on."""

    name: str
    url: str
    client: ClientSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that the gateway is told from outside."""

    upstreams: tuple[Upstream, ...]
    internal_token: str

    def upstream(self, name: str) -> Upstream:
        """The upstream of that name; raises KeyError for one that isn't known."""
        found = {upstream.name: upstream for upstream in self.upstreams}
        return found[name]


PORTS = {
    "auth": 6001,
    "filesystem": 6002,
    "chroma": 6003,
    "billing": 6004,
    "git": 6005,
    "external_data": 6006,
}
"""Where each upstream is looked for when its variable isn't set: on this machine."""


def _client(attempts: int, timeout_s: float, threshold: int, wait_s: float) -> ClientSettings:
    return ClientSettings(
        attempts=attempts, timeout_s=timeout_s, threshold=threshold, wait_s=wait_s
    )


_DOCUMENTED = {
    "auth": _client(2, 5, 5, 60),
    "filesystem": _client(2, 10, 5, 60),
    "chroma": _client(1, 30, 5, 60),
    "billing": _client(2, 5, 10, 30),
    "git": _client(1, 10, 5, 90),
    "external_data": _client(1, 15, 5, 60),
}


def _as_coded(settings: ClientSettings) -> ClientSettings:
    """The document's constructor calls pass neither threshold nor wait."""
    return replace(settings, threshold=5, wait_s=60)


PROFILES: dict[str, dict[str, ClientSettings]] = {
    "documented": _DOCUMENTED,
    "as_coded": {name: _as_coded(settings) for name, settings in _DOCUMENTED.items()},
    "per_call": {name: replace(given, per_call=True) for name, given in _DOCUMENTED.items()},
    "patient": {**_DOCUMENTED, "auth": replace(_DOCUMENTED["auth"], attempts=4)},
}
"""The document's four readings (contract.md, section 1)."""


def from_environment(environ: Mapping[str, str]) -> Settings:
    """The settings that an environment gives.

    Raises: SettingsError.
    """
    profile = environ.get("GATEWAY_PROFILE") or "documented"
    if profile not in PROFILES:
        raise SettingsError(f"GATEWAY_PROFILE is {profile!r}; known are {', '.join(PROFILES)}")
    upstreams = tuple(
        Upstream(
            name=name,
            url=_url(environ, name),
            client=_overridden(environ, name, PROFILES[profile][name]),
        )
        for name in PORTS
    )
    token = environ.get("INTERNAL_SERVICE_TOKEN") or "internal-token"
    return Settings(upstreams=upstreams, internal_token=token)


def _url(environ: Mapping[str, str], name: str) -> str:
    variable = f"{name.upper()}_SERVER_URL"
    url = environ.get(variable) or f"http://127.0.0.1:{PORTS[name]}"
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"{variable} is {url!r}; expected such as http://127.0.0.1:6001")
    return url.rstrip("/")


def _overridden(environ: Mapping[str, str], name: str, base: ClientSettings) -> ClientSettings:
    prefix = name.upper()
    return replace(
        base,
        attempts=int(_number(environ, f"{prefix}_ATTEMPTS", base.attempts, whole=True)),
        timeout_s=_number(environ, f"{prefix}_TIMEOUT_S", base.timeout_s),
        threshold=int(_number(environ, f"{prefix}_THRESHOLD", base.threshold, whole=True)),
        wait_s=_number(environ, f"{prefix}_WAIT_S", base.wait_s),
    )


def _number(
    environ: Mapping[str, str], variable: str, default: float, *, whole: bool = False
) -> float:
    text = environ.get(variable)
    if not text:
        return default
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e6:
        kind = "whole number" if whole else "number"
        raise SettingsError(f"{variable} is {text!r}; expected a {kind} above 0")
    return number
