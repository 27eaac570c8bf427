"""Every error a person can be shown, drawn as one tree.

    HelioError                      the root: slug, status, exit code, a sentence, a remedy
    ├── BadInput                    you sent something that cannot be accepted    400 / exit 2
    │   ├── CycleFound              a pipeline waits for itself (names the path)
    │   ├── UnknownName             a template, input, step or backend nobody knows
    │   ├── PayloadTooLarge         more bytes than the setting allows             413
    │   ├── WrongMethod             the address is there, this method is not       405
    │   └── NotADirectory           the working directory is not there
    ├── NotFound                    no such job, group, decision, worker           404 / exit 3
    ├── Denied                      no token, or a wrong one                       401 / exit 5
    │   └── Foreign                 sent by another site's page, or to another name 403
    ├── Conflict                    already decided, already there, wrong state    409 / exit 6
    │   └── IdempotencyMismatch     the same key came with another body
    ├── Unavailable                 the house cannot take this now                 503 / exit 4
    │   ├── Halted                  `helio halt` is in force
    │   └── StoreFull               the disk took no more; nothing acknowledged is lost
    └── HouseFault                  the machine or the installation is at fault    500 / exit 1
        ├── Fenced                  a newer owner writes now; this one must stop
        ├── StaleWrite              a row was not in the state the write required
        ├── NewerSchema             the store was written by a newer Heliograph
        ├── DamagedLedger           the router's ledger cannot be read
        └── PortBusy                somebody else listens there

An error is a value as well: `as_problem` gives the RFC 9457 object that the API, the CLI and
the actors pass on, so no exception class has to cross a process border.
"""

from __future__ import annotations

from typing import Any, ClassVar


class HelioError(Exception):
    """Something went wrong and this is what to do about it."""

    slug: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    lasting: ClassVar[bool] = False  # to try again changes nothing

    def __init__(self, detail: str, *, remedy: str = "", **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.facts = facts

    def as_problem(self) -> dict[str, Any]:
        """Give the RFC 9457 problem object, JSON-safe as long as the facts are."""
        problem: dict[str, Any] = {
            "type": f"urn:heliograph:problem:{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.remedy:
            problem["remedy"] = self.remedy
        return problem | self.facts


class BadInput(HelioError):
    """What you sent cannot be accepted as it is; nothing was changed."""

    slug, title, status, exit_code = "bad-input", "The request cannot be accepted", 400, 2


class CycleFound(BadInput):
    """The steps wait for each other in a circle, so none could ever start."""

    slug, title = "cycle", "The pipeline waits for itself"


class UnknownName(BadInput):
    """A name was used that nobody has defined."""

    slug, title = "unknown-name", "That name is not known"


class PayloadTooLarge(BadInput):
    """The payload is larger than the settings allow."""

    slug, title, status = "payload-too-large", "The payload is too large", 413


class WrongMethod(BadInput):
    """The address exists, but not for this method."""

    slug, title, status = "wrong-method", "The method does not fit the address", 405


class NotADirectory(BadInput):
    """The working directory does not exist or is not a directory."""

    slug, title = "not-a-directory", "The working directory is not there"


class NotFound(HelioError):
    """Nothing of that name or id exists."""

    slug, title, status, exit_code = "not-found", "Not found", 404, 3


class Denied(HelioError):
    """The caller did not prove to be the owner."""

    slug, title, status, exit_code = "denied", "Not allowed", 401, 5


class Foreign(Denied):
    """The request came from another site's page, or under a name that is not this house's."""

    slug, title, status = "foreign", "The request comes from elsewhere", 403


class Conflict(HelioError):
    """The thing is not in a state in which this can be done."""

    slug, title, status, exit_code = "conflict", "That is no longer possible", 409, 6


class IdempotencyMismatch(Conflict):
    """An idempotency key came back with a different body."""

    slug, title = "idempotency-mismatch", "The key was used for something else"


class Unavailable(HelioError):
    """The house cannot take this right now; try again."""

    slug, title, status, exit_code = "unavailable", "Not available right now", 503, 4


class Halted(Unavailable):
    """`helio halt` is in force: no agent runs and no model is called."""

    slug, title = "halted", "Heliograph is halted"


class StoreFull(Unavailable):
    """The disk took no more bytes; what was acknowledged before is safe."""

    slug, title, status = "store-full", "The store cannot grow", 507


class HouseFault(HelioError):
    """The installation or the machine is at fault, not the request."""

    slug, title = "house-fault", "Heliograph itself has a problem"


class Fenced(HouseFault):
    """A newer owner holds the shard; this one must stop writing."""

    slug, title, status = "fenced", "A newer owner writes now", 503


class StaleWrite(HouseFault):
    """A row was not in the state that the write required."""

    slug, title = "stale-write", "A row changed underneath a write"


class NewerSchema(HouseFault):
    """The store was written by a newer Heliograph than this one."""

    slug, title = "newer-schema", "The store is newer than this program"
    lasting = True


class DamagedLedger(HouseFault):
    """The router's ledger cannot be read: the disk or another program destroyed it."""

    slug, title = "damaged-ledger", "The router's ledger is damaged"
    lasting = True


class PortBusy(HouseFault):
    """Another program listens on the port."""

    slug, title = "port-busy", "The port is taken"


_KINDS: dict[str, type[HelioError]] = {}


def _register(kind: type[HelioError]) -> None:
    _KINDS[kind.slug] = kind
    for child in kind.__subclasses__():
        _register(child)


_register(HelioError)


def from_problem(problem: dict[str, Any]) -> HelioError:
    """Rebuild the error from its problem object, as it came over a socket or from an actor."""
    slug = str(problem.get("type", "")).rpartition(":")[2]
    known = {"type", "title", "status", "detail", "remedy"}
    facts = {key: value for key, value in problem.items() if key not in known}
    kind = _KINDS.get(slug, HelioError)
    return kind(str(problem.get("detail", "")), remedy=str(problem.get("remedy", "")), **facts)
