import os
import sqlite3
import subprocess
import sys
import threading

import pytest

from engine.errors import Fenced, HouseFault, NewerSchema, StoreFull, Unavailable
from engine.jobs import Job
from engine.ports import JobFilter
from engine.records import Shard

BLOB = "x" * 20_000


def insert(*names, **columns):
    return lambda tables: tables.insert_jobs([Job(id=name, **columns) for name in names])


def stored(tables):
    return [job.id for job in tables.list_jobs(JobFilter(), "", 10_000, False)]


def fingerprint(home):
    files = (file for file in home.root.iterdir() if file.name != "store.lock")
    return {file.name: file.read_bytes() for file in files}


class TestOpening:
    def test_what_was_written_is_there_after_a_restart(self, open_store):
        first = open_store()
        first.write(insert("a"))
        first.close()
        assert open_store().read(stored) == ["a"]

    def test_the_file_is_private_and_set_up_for_durability(self, open_store, home):
        store = open_store()
        pragmas = ("journal_mode", "synchronous", "auto_vacuum", "foreign_keys")
        found = [store._writer.driver.rows(f"PRAGMA {name}")[0][0] for name in pragmas]
        assert found == ["wal", 2, 2, 1]
        modes = {file.stat().st_mode & 0o777 for file in home.root.iterdir()}
        assert modes == {0o600}

    def test_the_faster_setting_is_taken_when_it_is_asked_for(self, open_store):
        store = open_store(synchronous="NORMAL")
        assert store._writer.driver.rows("PRAGMA synchronous") == [(1,)]

    def test_a_second_opener_is_told_who_writes(self, open_store):
        open_store()
        with pytest.raises(Fenced) as refusal:
            open_store()
        assert refusal.value.facts["pid"] == os.getpid()

    def test_the_witness_dies_with_its_process(self, open_store, home):
        script = (
            "import os, sys, pathlib\n"
            "from store.witness import Witness\n"
            "held = Witness(pathlib.Path(sys.argv[1]))\n"
            "os.write(1, b'held\\n')\n"
            "sys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script, home.store_lock],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdout.readline() == b"held\n"
            with pytest.raises(Fenced) as refusal:
                open_store()
            assert refusal.value.facts["pid"] == child.pid
            child.kill()
            child.wait()
        open_store()

    def test_a_failed_opening_lets_go_of_the_witness(self, open_store, home):
        home.store.write_bytes(b"this is no database" * 1000)
        for _ in range(2):
            with pytest.raises(HouseFault) as refusal:
                open_store()
            assert "damaged" in refusal.value.detail
            assert "backup" in refusal.value.remedy

    def test_a_newer_store_is_refused_and_not_touched(self, open_store, home):
        store = open_store()
        store.write(insert("a"))
        store.close()
        with sqlite3.connect(home.store) as raw:
            raw.execute("INSERT INTO schema_version VALUES (9999, 'from_the_future', 1)")
        raw.close()
        before = fingerprint(home)
        with pytest.raises(NewerSchema) as refusal:
            open_store()
        assert "newer Heliograph" in refusal.value.remedy
        assert fingerprint(home) == before

    def test_a_newer_store_with_an_unfinished_wal_is_not_touched_either(self, open_store, home):
        open_store().close()
        script = (
            "import os, sqlite3, sys\n"
            "raw = sqlite3.connect(sys.argv[1])\n"
            "raw.execute(\"INSERT INTO schema_version VALUES (9999, 'from_the_future', 1)\")\n"
            "raw.commit()\n"
            "os._exit(0)\n"
        )
        subprocess.run([sys.executable, "-c", script, home.store], check=True)
        before = fingerprint(home)
        assert before["store.db-wal"]
        with pytest.raises(NewerSchema):
            open_store()
        after = fingerprint(home)
        assert after["store.db"] == before["store.db"]
        assert after["store.db-wal"] == before["store.db-wal"]


class TestReading:
    def test_readers_see_only_what_was_committed(self, open_store):
        store = open_store()

        def act(tables):
            tables.insert_jobs([Job(id="new")])
            seen = []
            thread = threading.Thread(target=lambda: seen.append(store.read(stored)))
            thread.start()
            thread.join()
            return seen

        assert store.write(act) == [[]]
        assert store.read(stored) == ["new"]

    def test_a_read_stays_on_its_snapshot_while_others_write(self, open_store):
        store = open_store()

        def act(tables):
            before = stored(tables)
            store.write(insert("new"))
            return before, stored(tables)

        assert store.read(act) == ([], [])
        assert store.read(stored) == ["new"]

    def test_many_threads_read_at_once(self, open_store):
        store = open_store()
        store.write(insert("a"))
        threads, together = 12, threading.Barrier(12)
        seen = []

        def act(tables):
            together.wait(timeout=30)
            return stored(tables)

        def read():
            seen.append(store.read(act))

        workers = [threading.Thread(target=read) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert seen == [["a"]] * threads

    def test_a_read_that_fails_leaves_its_connection_usable(self, open_store):
        store = open_store()
        with pytest.raises(ZeroDivisionError):
            store.read(lambda _: 1 / 0)
        store.write(insert("a"))
        assert store.read(stored) == ["a"]


class TestFaults:
    def test_a_full_disk_refuses_the_write_and_loses_nothing(self, open_store):
        store = open_store()
        store.write(insert("kept"))
        driver = store._writer.driver
        pages = driver.rows("PRAGMA page_count")[0][0]
        driver.rows(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreFull) as refusal:
            store.write(insert(*map(str, range(50)), spec={"blob": BLOB}))
        assert "Free space" in refusal.value.remedy
        assert store.read(stored) == ["kept"]
        driver.rows(f"PRAGMA max_page_count = {pages * 1000}")
        store.write(insert("after", spec={"blob": BLOB}))
        assert store.read(stored) == ["after", "kept"]

    def test_a_lock_that_stays_is_an_error_that_names_the_remedy(self, open_store, home):
        store = open_store(busy_timeout_s=0.01)
        with sqlite3.connect(home.store, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable) as refusal:
                store.write(insert("a"))
            assert "store.db" in refusal.value.remedy
            other.execute("ROLLBACK")
        other.close()
        store.write(insert("a"))

    def test_after_a_disk_error_no_write_is_taken_until_the_store_is_opened_anew(self, open_store):
        store = open_store()
        store.write(insert("kept"))

        def torn(tables):
            tables.insert_jobs([Job(id="torn")])
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error

        with pytest.raises(HouseFault) as refusal:
            store.write(torn)
        assert "SQLITE_IOERR_FSYNC" in refusal.value.detail
        with pytest.raises(HouseFault) as second:
            store.write(insert("later"))
        assert second.value is refusal.value
        assert store.read(stored) == ["kept"]
        store.close()
        reopened = open_store()
        reopened.write(insert("later"))
        assert reopened.read(stored) == ["kept", "later"]


def test_vacuum_gives_pages_back(open_store, home):
    store = open_store()
    store.write(insert(*map(str, range(200)), spec={"blob": BLOB}))
    store.write(lambda tables: tables.delete_jobs([str(n) for n in range(200)]))
    store.vacuum(10_000)
    store.write(lambda tables: tables.put(Shard(id=0)))
    store.close()
    assert home.store.stat().st_size < 1_000_000
