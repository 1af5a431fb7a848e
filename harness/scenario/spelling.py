"""The nearest right spelling of a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that an author most likely meant; None when nothing comes near."""
    from difflib import get_close_matches  # only for mistakes: a good file needn't wait for it

    names = list(dict.fromkeys(known))
    plainly = {_plainly(name): name for name in reversed(names)}
    if _plainly(word) in plainly:
        return plainly[_plainly(word)]
    swapped = (name for name in plainly if sorted(name) == sorted(_plainly(word)))
    if (exchanged := next(swapped, None)) is not None:
        return plainly[exchanged]  # the letters of a word in another order
    close = get_close_matches(_plainly(word), list(plainly), n=1, cutoff=0.6)
    return plainly[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'latency'?`, or an empty text."""
    name = nearest(word, known)
    return f"; did you mean '{name}'?" if name is not None else ""


def not_known(what: str, word: str, known: Iterable[str]) -> str:
    """`upstream 'mial' is not known; did you mean 'mail'?`, or what is known instead."""
    names = list(dict.fromkeys(known))
    hint = did_you_mean(word, names) or (f"; known: {', '.join(names)}" if names else "")
    return f"{what} '{_short(word)}' is not known{hint}"


def _plainly(word: str) -> str:
    return word.lower().replace("-", "_").replace(" ", "_")


def _short(word: str) -> str:
    return word if len(word) <= 60 else f"{word[:57]}..."
