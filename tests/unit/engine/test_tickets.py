"""A ticket is good for one purpose, one key and a time, and nobody can write one."""

import pytest

from engine.tickets import Purpose, holds, issue

TICKET = issue("key", Purpose.SESSION, 1000, "nonce")


def test_a_ticket_holds_until_its_end():
    assert holds(TICKET, "key", Purpose.SESSION, 999)
    assert not holds(TICKET, "key", Purpose.SESSION, 1000)


def test_a_ticket_is_worthless_for_another_purpose_or_key():
    assert not holds(TICKET, "key", Purpose.LOGIN, 0)
    assert not holds(TICKET, "other", Purpose.SESSION, 0)


@pytest.mark.parametrize("at", range(len(TICKET)))
def test_a_changed_ticket_is_refused(at):
    changed = TICKET[:at] + ("0" if TICKET[at] != "0" else "1") + TICKET[at + 1 :]
    assert not holds(changed, "key", Purpose.SESSION, 0)


@pytest.mark.parametrize("text", ["", ".", "..", "x", "x.y.z", "ffff.nonce.", "é.ü.ß"])
def test_what_is_no_ticket_is_refused(text):
    assert not holds(text, "key", Purpose.SESSION, 0)
