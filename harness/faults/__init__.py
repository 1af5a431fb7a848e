"""What each network fault does to bytes: pure code without sockets, clocks or event loops.

`TOXICS` names them, `Link` chains them for one direction of one connection, and
`ConnectionJournal` says what an observer of the connection would have written down.
"""

from harness.faults.chain import Action, End, Placed
from harness.faults.journal import ConnectionJournal, JournalFact
from harness.faults.link import Link, join
from harness.faults.registry import TOXICS
from harness.faults.toxic import Attribute, Chunk, Outcome, Step, Toxic

__all__ = [
    "TOXICS",
    "Action",
    "Attribute",
    "Chunk",
    "ConnectionJournal",
    "End",
    "JournalFact",
    "Link",
    "Outcome",
    "Placed",
    "Step",
    "Toxic",
    "join",
]
