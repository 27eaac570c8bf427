"""One empty house for each test of a verb; whatever a test does, the invariants hold after it."""

import pytest

from tests.unit.store.verbs.kit import House


@pytest.fixture
def house():
    made = House()
    yield made
    assert made.violations() == []
