"""The run's own certificate authority: for this machine's loopback address, and this run alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.errors import TargetError

_NAMES = ("localhost", "127.0.0.1", "::1")


class Authority:
    """Issues certificates into a folder of the run; its own is what a target is to trust."""

    def __init__(self, folder: Path) -> None:
        """Raises: TargetError where the library that makes them is missing."""
        try:
            from trustme import CA
        except ImportError:
            raise TargetError(
                "TLS needs a library that isn't installed: pip install 'outage-harness[tls]'"
            ) from None
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._ca = CA(organization_name="outage-harness")
        self._strangers = CA(organization_name="outage-harness, of another run")
        self.ca = folder / "ca.pem"
        """The file of its own certificate."""
        self._ca.cert_pem.write_to_path(str(self.ca))

    def issue(self, name: str, shown: str = "good") -> tuple[Path, Path]:
        """The files of a certificate for loopback and of its key, readable by their owner only.

        `shown`: what is wrong with it, of `faults.certificate.SHOWN`; `good` for nothing.
        """
        by = self._strangers if shown == "unknown" else self._ca
        names = ("another.example",) if shown == "wrong_name" else _NAMES
        ended = datetime.now(UTC) - timedelta(days=1) if shown == "expired" else None
        begun = None if ended is None else ended - timedelta(days=30)
        made = by.issue_cert(*names, not_before=begun, not_after=ended)
        certificate, key = (self._folder / f"{name}.{shown}.{end}" for end in ("pem", "key"))
        for path in (certificate, key):
            path.touch(mode=0o600)
        for index, part in enumerate(made.cert_chain_pems):
            part.write_to_path(str(certificate), append=index > 0)
        made.private_key_pem.write_to_path(str(key))
        return certificate, key
