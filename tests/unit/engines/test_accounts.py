"""Whose connections are the target's, as a proxy's lines tell them."""

from __future__ import annotations

import os

import pytest

from harness.engines.accounts import Accounts


def line(uid: int | None, conn: int = 1) -> dict[str, object]:
    about = {"message": "Accepted client", "name": "mail", "client": "127.0.0.1:5", "conn": conn}
    return about if uid is None else {**about, "uid": uid}


def test_the_targets_own_account_is_the_one_that_alone_called_before_the_outage() -> None:
    accounts = Accounts(dict, tuple)
    assert accounts.stranger_in(line(1234)) is None
    assert accounts.begin() is None
    assert accounts.stranger_in(line(1234)) is None
    assert "uid 4321" in str(accounts.stranger_in(line(4321)))
    assert accounts.stranger_in(line(4321)) is None, "it is told once"


def test_who_called_beside_this_account_before_the_outage_is_a_stranger() -> None:
    accounts = Accounts(dict, tuple)
    assert accounts.stranger_in(line(None)) is None
    assert accounts.stranger_in(line(1234)) is None
    assert "uid 1234" in str(accounts.begin())


def test_of_two_others_before_the_outage_none_is_known_to_be_the_target() -> None:
    accounts = Accounts(dict, tuple)
    assert accounts.stranger_in(line(1234)) is None
    assert accounts.stranger_in(line(4321)) is None
    assert accounts.begin() is not None


def test_an_account_that_runs_a_process_of_the_target_is_the_targets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pids = [os.getppid()]
    accounts = Accounts(dict, lambda: pids)
    uid = 1234
    monkeypatch.setattr("harness.engines.accounts._runs_as", {os.getppid(): uid}.get)
    assert accounts.begin() is None
    assert accounts.stranger_in(line(uid)) is None
    pids.clear()
    assert accounts.stranger_in(line(uid)) is None, "it is remembered"


def test_other_lines_say_nothing_of_accounts() -> None:
    accounts = Accounts(dict, tuple)
    accounts.begin()
    assert accounts.stranger_in({"message": "Closed", "name": "mail", "uid": 1234}) is None


def test_a_real_proxys_client_that_is_gone_is_nobodys() -> None:
    """Its target, under another account, is still the only one that is known to have called."""
    accounts = Accounts(lambda: {"mail": 1}, tuple)
    gone = {key: value for key, value in line(None).items() if key != "conn"}
    assert accounts.stranger_in(gone) is None
    assert accounts.stranger_in(line(1234)) is None
    assert accounts.begin() is None
