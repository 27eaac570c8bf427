"""Where each word of the desk stands in `/v1`: one table for the client, the API and the docs.

The left side is a command or query of `docs/desk.md` (`model.*` are the router's); the right side
its HTTP method and path. Names in braces are taken out of the body; what is left travels as JSON
(POST) or as the query (GET; a list repeats its name). `idem_key` travels as the header
Idempotency-Key. This module opens no socket.

More addresses are no desk words:

    GET /v1/jobs/{id}/log?epoch=&offset=&wait_s=   output of one attempt from a byte offset on:
        {"epoch", "offset", "next_offset", "text", "at_rest"}; epoch 0 is the newest; waits up to
        wait_s for more; at_rest says that nothing will follow
    GET /v1/jobs/{id}/artefacts                    the files that a job left, as in `job.show`
    GET /v1/jobs/{id}/artefacts/{name}             the bytes of one; the ETag is their sha256
    GET /v1/events/stream?after=&prefix=&subject=   Server-Sent Events: id is the seq, event the
        kind, data the event as JSON; comments keep the line open
    GET /healthz, /readyz, /metrics                 no token
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Route:
    """One address: how a desk word is asked over HTTP."""

    method: str
    path: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the path takes out of the body."""
        return tuple(re.findall(r"{(\w+)}", self.path))


ROUTES: Mapping[str, Route] = {
    "job.submit": Route("POST", "/v1/jobs"),
    "job.list": Route("GET", "/v1/jobs"),
    "job.show": Route("GET", "/v1/jobs/{id}"),
    "job.cancel": Route("POST", "/v1/jobs/{id}/cancel"),
    "job.retry": Route("POST", "/v1/jobs/{id}/retry"),
    "job.signal": Route("POST", "/v1/jobs/{id}/signal"),
    "pipeline.run": Route("POST", "/v1/pipelines/run"),
    "pipeline.render": Route("POST", "/v1/pipelines/render"),
    "decision.list": Route("GET", "/v1/decisions"),
    "decision.show": Route("GET", "/v1/decisions/{id}"),
    "decision.answer": Route("POST", "/v1/decisions/{id}/answer"),
    "project.list": Route("GET", "/v1/projects"),
    "project.show": Route("GET", "/v1/projects/{id}"),
    "project.add": Route("POST", "/v1/projects"),
    "worker.list": Route("GET", "/v1/workers"),
    "worker.show": Route("GET", "/v1/workers/{name}"),  # a name holds a slash: `session/...`
    "worker.retire": Route("POST", "/v1/workers/{name}/retire"),
    "model.list": Route("GET", "/v1/models"),  # names hold slashes: `anthropic/KEY/claude-...`
    "model.show": Route("GET", "/v1/models/{name}"),
    "model.test": Route("POST", "/v1/models/{name}/test"),
    "model.trip": Route("POST", "/v1/models/{name}/trip"),
    "model.reset": Route("POST", "/v1/models/{name}/reset"),
    "model.reload": Route("POST", "/v1/models/reload"),
    "cost.sum": Route("GET", "/v1/costs"),
    "conversation.list": Route("GET", "/v1/conversations"),
    "turn.list": Route("GET", "/v1/turns"),
    "event.list": Route("GET", "/v1/events"),
    "house.status": Route("GET", "/v1/status"),
    "house.halt": Route("POST", "/v1/house/halt"),
    "house.pause": Route("POST", "/v1/house/pause"),
    "house.resume": Route("POST", "/v1/house/resume"),
}
_SLASHED = ("worker.", "model.")  # nouns whose names hold slashes
LOG_PATH = "/v1/jobs/{id}/log"
ARTEFACT_PATH = "/v1/jobs/{id}/artefacts/{name}"
STREAM_PATH = "/v1/events/stream"


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request to be: what the client sends and what a test can look at."""

    method: str
    path: str
    query: Mapping[str, Any]
    body: Mapping[str, Any] | None
    idem_key: str = ""


def call_of(word: str, body: Mapping[str, Any]) -> Call:
    """Turn a desk word and its body into the request that asks it."""
    route = ROUTES[word]
    rest = {key: value for key, value in body.items() if value is not None}
    kept = "/" if word.startswith(_SLASHED) else ""
    taken = {name: quote(str(rest.pop(name)), safe=kept) for name in route.names}
    idem_key = str(rest.pop("idem_key", "") or "")
    path = route.path.format(**taken)
    if route.method == "GET":
        return Call("GET", path, rest, None, idem_key)
    return Call(route.method, path, {}, rest, idem_key)
