"""Mistakes that one kind of failure shows and others don't: a handler forgot it (B9, G1-G9)."""

from __future__ import annotations

import sys

import gateway.context as context
import gateway.identity as identity
import gateway.money as money
import gateway.routes.auth as auth
import gateway.routes.chat as chat
import gateway.routes.passing as passing
from gateway.answers import agreed, refused, unavailable
from gateway.identity import Identity
from gateway.resilience import ServiceUnavailable
from gateway.resilience.transport import describe
from tests.defects.gateways.catalogue import defect

_context_of, _balance_of = chat.context_of, money.balance_of


def _cause(error: BaseException | None) -> str:
    """How the last attempt failed, in the log's words; `open` where there was none."""
    if error is None:
        return ""
    if error.__cause__ is None:
        return "open"
    text = str(error.__cause__)
    return text if text.startswith("Server answered") else describe(error.__cause__)


def _answering(module, words: str, status: int) -> None:
    """A route that answers that kind of failure with that status."""

    def saying(what):
        if words in _cause(sys.exc_info()[1]):
            return refused(status, what)
        return unavailable(what)

    module.unavailable = saying


@defect(
    "login-500-on-refused",
    "login answers 500 when auth refuses connections",
    claims="G1 G9 B9",
    scenarios="project_while_auth_is_down",
)
def login_500_on_refused():
    _answering(auth, "refused", 500)


@defect(
    "login-401-on-refused",
    "login says wrong password when auth refuses connections",
    claims="G1",
    scenarios="project_while_auth_is_down",
)
def login_401_on_refused():
    _answering(auth, "refused", 401)


@defect(
    "login-500-on-timeout",
    "login answers 500 when auth doesn't answer in time",
    claims="G1 G9 B9",
    scenarios="login_blackhole_50s",
)
def login_500_on_timeout():
    _answering(auth, "timeout", 500)


@defect(
    "login-504-on-timeout",
    "login answers 504 when auth doesn't answer in time",
    claims="G1",
    scenarios="login_blackhole_50s",
)
def login_504_on_timeout():
    _answering(auth, "timeout", 504)


@defect(
    "login-500-on-broken-body",
    "login answers 500 when auth's body breaks off",
    claims="G1 G9 B9",
    scenarios="login_meets_every_failure",
)
def login_500_on_broken_body():
    _answering(auth, "truncated", 500)


@defect(
    "login-500-on-undecodable",
    "login answers 500 when auth's body can't be decoded",
    claims="G1 G9 B9",
    scenarios="login_meets_every_failure",
)
def login_500_on_undecodable():
    _answering(auth, "undecodable", 500)


@defect(
    "login-502-on-hang-up",
    "login answers 502 when auth hangs up",
    claims="G1 B9",
    scenarios="login_meets_every_failure",
)
def login_502_on_hang_up():
    _answering(auth, "closed", 502)


@defect(
    "login-401-while-open",
    "login says wrong password while the breaker is open",
    claims="G1 B3",
    scenarios="everybody_behind_one_breaker login_blackhole_50s",
)
def login_401_while_open():
    _answering(auth, "open", 401)


@defect(
    "files-500-on-broken-body",
    "a file whose body breaks off is answered 500",
    claims="G6 G9 B9",
    scenarios="files_meet_every_failure",
)
def files_500_on_broken_body():
    _answering(passing, "truncated", 500)


@defect(
    "files-500-on-hang-up",
    "a file service that hangs up is answered 500",
    claims="G6 G9 B9",
    scenarios="files_meet_every_failure",
)
def files_500_on_hang_up():
    _answering(passing, "closed", 500)


@defect(
    "files-504-on-timeout",
    "a file service that doesn't answer in time is answered 504",
    claims="G6",
    scenarios="filesystem_stall_30s lookup_unanswered_30s",
)
def files_504_on_timeout():
    _answering(passing, "timeout", 504)


@defect(
    "files-500-while-open",
    "files, snapshots and lookups answer 500 while the breaker is open",
    claims="G6 G9 B3",
    scenarios="filesystem_stall_30s files_and_snapshots_503",
)
def files_500_while_open():
    _answering(passing, "open", 500)


def _open_to(words: str) -> None:
    """Who can't be identified because of that kind of failure is let in as what his token says."""

    def identify(services, token):
        if not token:
            return None
        try:
            response = services.auth.post("/verify_token", json={"token": token})
        except ServiceUnavailable as error:
            if words in _cause(error):
                return Identity(user_id=token.removeprefix("token-"), role="user")
            return None
        user = agreed(response)
        if user.get("valid") is not True or not user.get("user_id"):
            return None
        return Identity(user_id=user["user_id"], role=str(user.get("role")))

    identity.identify = identify


@defect(
    "auth-fails-open-on-timeout",
    "auth fails open when it doesn't answer in time",
    claims="G2 G8",
    scenarios="auth_blackhole_burst auth_blackhole_50s",
)
def auth_fails_open_on_timeout():
    _open_to("timeout")


@defect(
    "auth-fails-open-on-refused",
    "auth fails open when it refuses connections",
    claims="G2 G8",
    scenarios="auth_refused_50s",
)
def auth_fails_open_on_refused():
    _open_to("refused")


@defect(
    "auth-fails-open-on-5xx",
    "auth fails open when it answers 503",
    claims="G2 G8",
    scenarios="auth_503_50s",
)
def auth_fails_open_on_5xx():
    _open_to("503")


@defect(
    "auth-fails-open-while-open",
    "auth fails open while its breaker is open",
    claims="G2 G8 B3",
    scenarios="auth_cut_heads auth_503_50s",
)
def auth_fails_open_while_open():
    _open_to("open")


@defect(
    "auth-fails-open-on-broken-body",
    "auth fails open when its answer breaks off",
    claims="G2 G8 B1 B9",
    scenarios="auth_broken_bodies",
)
def auth_fails_open_on_broken_body():
    _open_to("truncated")


@defect(
    "auth-fails-open-on-hang-up",
    "auth fails open when it hangs up",
    claims="G2 B9",
    scenarios="auth_hangs_up",
)
def auth_fails_open_on_hang_up():
    _open_to("closed")


@defect(
    "auth-fails-open-on-404",
    "a token that auth answers 404 to is let in",
    claims="G2 G8",
    scenarios="auth_says_odd_things",
)
def auth_fails_open_on_404():
    def identify(services, token):
        if not token:
            return None
        try:
            response = services.auth.post("/verify_token", json={"token": token})
        except ServiceUnavailable:
            return None
        user = agreed(response)
        if response.status_code == 404:
            return Identity(user_id=token.removeprefix("token-"), role="user")
        if user.get("valid") is not True or not user.get("user_id"):
            return None
        return Identity(user_id=user["user_id"], role=str(user.get("role")))

    identity.identify = identify


@defect(
    "balance-null-500",
    "a balance of null is an unhandled error",
    claims="G4 G9",
    scenarios="billing_malformed_json chat_meets_every_failure",
)
def balance_null_500():
    def balance_of(services, user_id):
        try:
            response = services.billing.get(f"/balance/{user_id}")
        except ServiceUnavailable:
            return None
        dollars = agreed(response).get("balance", 0)
        return money.credits(float(dollars)) if response.status_code == 200 else None

    chat.balance_of = balance_of


@defect(
    "balance-missing-is-zero",
    "an answer without a balance is a balance of nothing: 402",
    claims="G4",
    scenarios="billing_malformed_json chat_meets_every_failure",
)
def balance_missing_is_zero():
    def balance_of(services, user_id):
        try:
            response = services.billing.get(f"/balance/{user_id}")
        except ServiceUnavailable:
            return None
        dollars = agreed(response).get("balance", 0)
        return money.credits(dollars) if isinstance(dollars, int | float) else None

    chat.balance_of = balance_of


@defect(
    "balance-nonsense-charged",
    "a chat is charged although its balance is no number",
    claims="G4 G7",
    scenarios="chat_meets_every_failure",
)
def balance_nonsense_charged():
    def balance_of(services, user_id):
        try:
            response = services.billing.get(f"/balance/{user_id}")
        except ServiceUnavailable:
            return None
        dollars = agreed(response).get("balance")
        if response.status_code == 200 and not isinstance(dollars, int | float):
            dollars = 1000
        return None if dollars is None else round(dollars * 10000)

    chat.balance_of = balance_of


@defect(
    "balance-404-is-402",
    "a user whom billing doesn't know has nothing: 402",
    claims="G4",
    scenarios="chat_meets_every_failure",
)
def balance_404_is_402():
    def balance_of(services, user_id):
        try:
            response = services.billing.get(f"/balance/{user_id}")
        except ServiceUnavailable:
            return None
        if response.status_code == 404:
            return 0
        dollars = agreed(response).get("balance")
        return money.credits(dollars) if isinstance(dollars, int | float) else None

    chat.balance_of = balance_of


@defect(
    "chroma-empty-500",
    "an answer without documents is an unhandled error",
    claims="G5 G9 B9",
    scenarios="chat_meets_every_failure",
)
def chroma_empty_500():
    def documents(answer):
        texts = tuple(answer["documents"][0])
        sources = tuple(item["source_file"] for item in answer["metadatas"][0])
        return context.Context(texts=texts, sources=sources)

    context._documents = documents


@defect(
    "chroma-empty-undegraded",
    "an answer without documents is taken for no documents: not degraded",
    claims="G5 B1",
    scenarios="chat_meets_every_failure",
)
def chroma_empty_undegraded():
    documents = context._documents
    context._documents = lambda answer: documents(answer) or context.Context()


def _chroma_fails_on(words: str) -> None:
    def context_of(services, graph, user_id, project_id, message):
        found = _context_of(services, graph, user_id, project_id, message)
        if found.degraded and words in _last_at_chroma[-1:]:
            raise RuntimeError(words)
        return found

    _last_at_chroma: list[str] = []
    chat.context_of = context_of
    remembered = context._remembered

    def remembering(*given):
        cause = _cause(sys.exc_info()[1])
        _last_at_chroma.append(words if words in cause else cause)
        return remembered(*given)

    context._remembered = remembering


@defect(
    "chroma-500-on-timeout",
    "no fallback when chroma doesn't answer in time: 500",
    claims="G5 G9 T7",
    scenarios="chroma_blackhole_70s",
)
def chroma_500_on_timeout():
    _chroma_fails_on("timeout")


@defect(
    "chroma-500-while-open",
    "no fallback while chroma's breaker is open: 500",
    claims="G5 G9 T6 B3",
    scenarios="chroma_refused_50s",
)
def chroma_500_while_open():
    _chroma_fails_on("open")


@defect(
    "chroma-500-on-hang-up",
    "no fallback when chroma hangs up: 500",
    claims="G5 G9 B9",
    scenarios="chat_meets_every_failure",
)
def chroma_500_on_hang_up():
    _chroma_fails_on("closed")
