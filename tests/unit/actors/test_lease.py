"""The lease of a directory: one holder, and free only when the holder's processes are gone."""

from __future__ import annotations

from pathlib import Path

from actors.lease import Lease
from actors.processes import Command, KeptProcess, Stream
from tests.unit.actors.sessions.kit import until


class Ear:
    """Hears nothing but that it began."""

    begun = False

    def started(self, pid: int) -> None:
        pass

    def heard(self, stream: Stream, data: bytes) -> None:
        self.begun = True


def test_one_holder_at_a_time_whatever_the_session_is_called(tmp_path: Path) -> None:
    first, second = Lease(tmp_path, "/work", "a"), Lease(tmp_path, "/work", "b")
    assert first.take()
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()
    second.release()


def test_sessions_without_a_directory_do_not_exclude_each_other(tmp_path: Path) -> None:
    first, second = Lease(tmp_path, "", "a"), Lease(tmp_path, "", "b")
    assert first.take()
    assert second.take()
    first.release()
    second.release()


async def test_a_successor_waits_for_the_last_process_of_its_predecessor(tmp_path: Path) -> None:
    old, new, ear = Lease(tmp_path, "/work", "a"), Lease(tmp_path, "/work", "a"), Ear()
    assert old.take()
    kept = KeptProcess("leasetest", [old.fd])
    argv = ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"]
    env = {"PATH": "/usr/bin:/bin"}
    kept.begin(Command(argv=argv, cwd="/", env=env, orphan_grace_s=0.3), ear)
    await until(lambda: ear.begun)
    old.release()  # as the kernel does when the session is killed ...
    kept.dismiss()  # ... and its end of the pipe closes
    assert not new.take()
    await kept.fate()
    assert new.take()
    new.release()
