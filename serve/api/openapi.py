"""The description of `/v1`: what FastAPI derives, and what it cannot know.

Every refusal is a problem, what is not public needs the token, and a submit takes the engine's
own job requests. Swagger UI as it comes from PyPI reads OpenAPI 3.0 only, so `for_swagger_ui`
says the same in that dialect.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from engine.jobs import LANE_NAMES
from engine.requests import JobRequest
from serve.api.guard import PUBLIC
from serve.api.problems import MEDIA_TYPE
from serve.api.shapes import Problem

Document = dict[str, Any]
_REF = "#/components/schemas/{model}"
_ABOUT = """
One house of agents and jobs. Send the token of the home as `Authorization: Bearer TOKEN`.
A refusal is an RFC 9457 problem with a remedy. Times are integer microseconds since the epoch,
UTC. An id's last characters (four or more) will do wherever the id of a job is taken.
""".strip()
_TAGS = {
    "jobs": "Promises of a result: submit, look, wait, cancel.",
    "pipelines": "Declared graphs of jobs.",
    "decisions": "Questions to the owner.",
    "projects": "Bodies of work.",
    "workers": "Sessions: one agent in one directory.",
    "models": "Language models: what can be called, how it stands, what it cost.",
    "events": "Everything that happened, in order.",
    "house": "The machine as a whole.",
    "pages": "For people and browsers.",
}
# The engine reads a lane from its name; its own schema would show the number.
_LANE = {"type": "string", "enum": list(LANE_NAMES), "default": "P2"}


def describe(app: FastAPI) -> Document:
    """Write the OpenAPI 3.1 document of the application."""
    document: Document = get_openapi(
        title=app.title,
        version=app.version,
        description=_ABOUT,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
    )
    _add_schemas(document["components"]["schemas"])
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    problem = {"schema": {"$ref": _REF.format(model="Problem")}}
    refusal = {"description": "A refusal, with its remedy.", "content": {MEDIA_TYPE: problem}}
    document["components"]["responses"] = {"Problem": refusal}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
            if path in PUBLIC:
                operation["security"] = []
    return document


def _add_schemas(schemas: Document) -> None:
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    pairs: Any = [(JobRequest, "validation"), (Problem, "serialization")]
    _, made = models_json_schema(pairs, ref_template=_REF)
    schemas.update(made["$defs"])
    schemas["JobRequest"]["properties"]["lane"] = _LANE
    schemas.pop("Lane", None)
    schemas["JobBatch"] = {
        "type": "object",
        "title": "JobBatch",
        "description": "Many jobs, stored together or not at all.",
        "required": ["jobs"],
        "properties": {
            "jobs": {"type": "array", "items": {"$ref": _REF.format(model="JobRequest")}}
        },
    }


def for_swagger_ui(document: Any) -> Any:
    """Say the same in OpenAPI 3.0, which writes null, constants, bounds and examples otherwise."""
    if isinstance(document, list):
        return [for_swagger_ui(part) for part in document]
    if not isinstance(document, dict):
        return document
    older = {key: for_swagger_ui(value) for key, value in document.items()}
    if "openapi" in older:
        older["openapi"] = "3.0.3"
    if isinstance(older.get("anyOf"), list):
        older = _without_null(older)
    if "const" in older:
        older["enum"] = [older.pop("const")]
    if isinstance(older.get("examples"), list):
        older["example"] = older.pop("examples")[0]
    for bound, name in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(older.get(bound), int | float):
            older[name], older[bound] = older[bound], True
    if isinstance(older.get("prefixItems"), list):
        older["items"] = {"anyOf": older.pop("prefixItems")}
    return older


def _without_null(older: Document) -> Document:
    """Turn `anyOf: [..., null]` into `nullable`."""
    arms: list[Document] = [arm for arm in older["anyOf"] if arm != {"type": "null"}]
    if len(arms) == len(older["anyOf"]):
        return older
    rest = {key: value for key, value in older.items() if key != "anyOf"} | {"nullable": True}
    match arms:
        case [{"$ref": _}]:
            return rest | {"allOf": arms}
        case [only]:
            return only | rest
        case _:
            return rest | {"anyOf": arms}
