"""A disk rebuilt from a trace of system calls, and what a power cut leaves of it. Pure.

Nothing is durable before it is synced. Of what is not, each 512-byte sector of each write, each
change of a length and each new or removed name survives or is lost by itself, at random.
"""

import codecs
import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, field

SECTOR = 512
_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")
_FD = re.compile(r"^(\d+)<([^>]*)>(?:, )?(.*)$")
_TEXT = re.compile(r'^(?:AT_FDCWD<[^>]*>, )?"((?:[^"\\]|\\.)*)"(?:, )?(.*)$')


@dataclass(frozen=True)
class Call:
    """One system call that matters; `path` is a file's path, or "stdout"."""

    name: str
    path: str
    data: bytes = b""
    number: int = 0  # an offset or a length


def calls_of(trace):
    """Read strace's output (``-y -s LARGE``), leaving out what failed."""
    for line in trace:
        match = _CALL.match(line)
        if match and int(match[3]) >= 0 and (call := _call(match[1], match[2])):
            yield call


def _call(name, arguments):
    if by_name := _TEXT.match(arguments):
        path = _bytes(by_name[1]).decode()
        if name == "openat":
            return Call("create", path) if "O_CREAT" in by_name[2] else None
        return Call("unlink", path)
    by_file = _FD.match(arguments)
    return _call_on_file(name, *by_file.groups()) if by_file else None


def _call_on_file(name, number, path, rest):
    match name:
        case "pwrite64":
            text, _, numbers = rest.rpartition('"')
            return Call("write", path, _bytes(text[1:]), int(numbers.split(",")[2]))
        case "ftruncate":
            return Call("truncate", path, number=int(rest))
        case "fsync" | "fdatasync":
            return Call("sync", path)
        case "write" if number == "1":
            return Call("say", "stdout", _bytes(_TEXT.match(rest)[1]))
    return None


def _bytes(quoted):
    return codecs.escape_decode(quoted)[0]


@dataclass
class File:
    """One inode: what is on the platter, and what is only promised."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list = field(default_factory=list)

    def sync(self):
        for change in self.pending:
            apply(self.durable, change)
        self.pending.clear()

    def after_cut(self, rng):
        content = bytearray(self.durable)
        for change in self.pending:
            for piece in pieces(change):
                if rng.random() < 0.5:
                    apply(content, piece)
        return bytes(content)


def pieces(change):
    """Cut a write at the sectors' borders; a change of length is one piece."""
    if change.name == "truncate":
        yield change
        return
    start, end = change.number, change.number + len(change.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        data = change.data[start - change.number : stop - change.number]
        yield Call("write", change.path, data, start)
        start = stop


def apply(content, change):
    length = change.number + len(change.data)
    if len(content) < length:
        content.extend(bytes(length - len(content)))
    if change.name == "truncate":
        del content[change.number :]
    else:
        content[change.number : length] = change.data


class Disk:
    """The files below one directory."""

    def __init__(self, directory):
        self.directory = str(directory)
        self.durable_names = {}
        self.pending_names = []
        self.names = {}

    def happen(self, call):
        """Let one call happen."""
        if call.path == self.directory:
            if call.name == "sync":
                self.durable_names = dict(self.names)
                self.pending_names.clear()
            return
        directory, _, name = call.path.rpartition("/")
        if directory != self.directory or name.endswith("-shm"):
            return  # the -shm file is rebuilt after a crash; SQLite never reads an old one
        self._change(call, name)

    def _change(self, call, name):
        match call.name:
            case "create":
                if name not in self.names:
                    self.names[name] = File()
                    self.pending_names.append((name, self.names[name]))
            case "unlink":
                del self.names[name]
                self.pending_names.append((name, None))
            case "sync":
                self.names[name].sync()
            case _:
                self.names[name].pending.append(call)

    def after_cut(self, rng):
        """Give {name: content} as a restarted machine could find it."""
        kept = [change for change in self.pending_names if rng.random() < 0.5]
        names = self.durable_names | dict(kept)
        return {name: file.after_cut(rng) for name, file in names.items() if file}


def digest_of_tables(rows):
    """Digest every row of every table; `rows` runs a query."""
    digest = hashlib.sha256()
    tables = rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    for (table,) in tables:
        if table == "schema_version":
            continue  # it tells when it was made
        found = defaultdict(int)
        for row in rows(f"SELECT * FROM {table}"):
            found[repr(tuple(row))] += 1
        digest.update(repr((table, sorted(found.items()))).encode())
    return digest.hexdigest()
