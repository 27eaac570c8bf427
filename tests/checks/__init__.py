"""The invariants of the house as one function: evidence in, violations out.

`check_all` judges whatever evidence there is: a store's tables, what clients were told, which
executions had effects, which processes live. The simulation, the stateful model and the real
fault tests all call it. `check_house` gathers the evidence of a home on disk by itself.
Numbers in the names of invariants are those of the design's list.
"""

from tests.checks.evidence import Evidence, Execution, Op, Snapshot, Violation, snapshot_of
from tests.checks.house import check_house, evidence_of_home
from tests.checks.verdict import CHECKERS, check_all

__all__ = [
    "CHECKERS",
    "Evidence",
    "Execution",
    "Op",
    "Snapshot",
    "Violation",
    "check_all",
    "check_house",
    "evidence_of_home",
    "snapshot_of",
]
