import os

import pytest

from engine.records import Artefact
from engine.settings import StoreSettings
from store.artefacts import Artefacts
from store.leftovers import repair
from store.memory import MemoryStore
from store.prune import DAY_US


@pytest.fixture
def artefacts(home):
    return Artefacts(home.artefacts, StoreSettings())


def test_files_without_a_row_are_found_after_a_crash_once_they_are_old(home, artefacts):
    store = MemoryStore()
    lost, owned = artefacts.add(b"lost"), artefacts.add(b"owned")
    row = Artefact(id="j:f", job="j", name="f", sha256=owned)
    store.write(lambda tables: tables.put(row))
    artefacts.append("half", 0, b"an upload that never ended")
    for path in (*artefacts.kept(), home.artefacts / "incoming" / "half"):
        os.utime(path, (100, 100))
    young = artefacts.add(b"young")
    restarted = Artefacts(home.artefacts, StoreSettings())
    assert repair(store, restarted, 100_000_000 + DAY_US + 1) == 2
    assert {path.name for path in artefacts.kept()} == {owned, young}
    assert lost not in {owned, young}
    assert artefacts.uploaded("half") == 0
    assert repair(store, restarted, 100_000_000 + DAY_US + 1) == 0
