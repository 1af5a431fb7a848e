"""The journal's facts from the bytes of a connection."""

from __future__ import annotations

from harness.faults import ConnectionJournal, JournalFact

REQUEST = b"POST /verify_token HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def request(at_s: float, method: str, path: str) -> JournalFact:
    return JournalFact(at_s=at_s, message="Request", method=method, path=path)


def response(at_s: float, status: int) -> JournalFact:
    return JournalFact(at_s=at_s, message="Response", status=status)


def test_request_and_response() -> None:
    journal = ConnectionJournal()
    assert journal.from_client(1.0, REQUEST) == request(1.0, "POST", "/verify_token")
    assert journal.from_client(1.1, b"{}") is None
    assert journal.to_client(2.0, ANSWER) == response(2.0, 200)
    assert journal.to_client(2.1, b"more of the body") is None


def test_kept_alive_connection() -> None:
    journal = ConnectionJournal()
    for turn in range(3):
        assert journal.from_client(turn, b"GET /%d HTTP/1.1\r\n\r\n" % turn) == request(
            turn, "GET", f"/{turn}"
        )
        assert journal.to_client(turn + 0.5, ANSWER) == response(turn + 0.5, 200)


def test_lines_in_pieces_count_from_their_first_byte() -> None:
    journal = ConnectionJournal()
    for place, piece in enumerate((b"GE", b"T /a?b=c HT", b"TP/1.1")):
        assert journal.from_client(place, piece) is None
    assert journal.from_client(3, b"\r\nHost: x\r\n\r\n") == request(0, "GET", "/a?b=c")
    assert journal.to_client(4, b"HTTP/1.") is None
    assert journal.to_client(5, b"1 503 Service Unavailable\r\n\r\n") == response(4, 503)


def test_interim_answers_are_skipped() -> None:
    journal = ConnectionJournal()
    journal.from_client(0, REQUEST)
    assert journal.to_client(1, b"HTTP/1.1 100 Continue\r\n\r\n") is None
    assert journal.from_client(1.5, b"{}") is None
    assert journal.to_client(2, ANSWER) == response(2, 200)


def test_interim_and_final_answer_in_one_chunk() -> None:
    journal = ConnectionJournal()
    journal.from_client(0, REQUEST)
    assert journal.to_client(1, b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER) == response(1, 200)


def test_the_rest_of_a_body_after_an_early_answer_is_no_request() -> None:
    journal = ConnectionJournal()
    journal.from_client(0, REQUEST)
    journal.to_client(1, b"HTTP/1.1 413 Too Large\r\n\r\n")
    assert journal.from_client(2, b"rest of the body\nand so on") is None
    assert journal.from_client(3, b"GET / HTTP/1.1\r\n\r\n") == request(3, "GET", "/")


def test_what_is_not_http_is_followed_by_turns() -> None:
    for first in (
        b"*1\r\n$4\r\nPING\r\n",
        b"PING\r\n",
        b"GET key\r\n",
        b"\x16\x03\x01",
        b"X" * 9000,
    ):
        journal = ConnectionJournal()
        assert journal.to_client(0, b"a greeting") is None
        assert journal.from_client(1, first) == request(1, "", "")
        assert journal.from_client(2, b"and more") is None
        assert journal.to_client(3, b"+PONG\r\n") == response(3, 0)
        assert journal.to_client(4, b"and more") is None
        assert journal.from_client(5, b"GET / HTTP") == request(5, "", "")
        assert journal.to_client(6, b"HTTP/1.1 200 OK\r\n\r\n") == response(6, 0)


def test_a_handshake_and_the_first_question_are_one_request() -> None:
    journal = ConnectionJournal()
    assert journal.from_client(1.0, b"*4\r\nCLIENT SETINFO\r\n") == request(1.0, "", "")
    assert journal.to_client(1.01, b"+OK\r\n") == response(1.01, 0)
    for turn in range(1, 4):
        assert journal.from_client(1.01 + turn / 100, b"INCR") is None
        assert journal.to_client(1.01 + turn / 100, b":1\r\n") is None
    assert journal.from_client(1.5, b"INCR") == request(1.5, "", "")
    assert journal.to_client(1.51, b":2\r\n") == response(1.51, 0)
    assert journal.from_client(1.511, b"INCR") == request(1.511, "", ""), "it had its pause"


def test_an_opening_without_an_end_is_many_requests() -> None:
    journal = ConnectionJournal()
    facts = []
    for turn in range(30):
        facts.append(journal.from_client(turn / 100, b"INCR\r\n"))
        facts.append(journal.to_client(turn / 100 + 0.001, b":1\r\n"))
    assert len([fact for fact in facts if fact is not None]) == 2 + 2 * (30 - 8)


def test_what_may_still_become_a_request_line_is_awaited() -> None:
    journal = ConnectionJournal()
    assert journal.from_client(0, b"GET key") is None
    assert journal.from_client(1, b"\r\n") == request(0, "", "")


def test_only_the_first_end_counts() -> None:
    journal = ConnectionJournal()
    fact = journal.closed(1.0, "client")
    assert fact is not None
    assert fact.fields() == {"by": "client"}
    assert journal.closed(2.0, "proxy") is None
