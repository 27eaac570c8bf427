"""Worked examples of requests, for the documents."""

from __future__ import annotations

from typing import Any

_SUBMIT: Any = {
    "one": {
        "summary": "One command",
        "value": {
            "name": "build the site",
            "run": ["make", "site"],
            "cwd": "/home/me/site-web",
            "lane": "P2",
        },
    },
    "many": {
        "summary": "Two jobs, the second after the first",
        "value": {
            "jobs": [
                {"key": "fetch", "run": ["git", "pull"], "cwd": "/home/me/site-web"},
                {"sh": "make test", "cwd": "/home/me/site-web", "needs": ["fetch"]},
            ]
        },
    },
    "ask": {
        "summary": "A question to the owner",
        "value": {"wait": {"ask": "Publish the site?", "options": ["yes", "no"]}},
    },
}

SUBMIT_BODY: Any = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/JobRequest"},
                        {"$ref": "#/components/schemas/JobBatch"},
                    ]
                },
                "examples": _SUBMIT,
            }
        },
    }
}
