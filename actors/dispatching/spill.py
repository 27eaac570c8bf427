"""Large results: the row keeps the end of the text, the whole becomes an artefact."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import HelioError
from engine.messages import Report, ReportKind
from engine.rows import replace
from store.artefacts import Artefacts

NAME = "stdout.txt"
MEDIA_TYPE = "text/plain; charset=utf-8"


def spill(reports: Sequence[Report], limit_bytes: int, artefacts: Artefacts) -> list[Report]:
    """Write texts over the limit to files, and give the reports with their ends and references.

    The file is durable before the report is; a stale report's file is swept by retention. Where
    the quota takes no more, the end of the text is kept and `truncated` says so.
    """
    return [_spilled(report, limit_bytes, artefacts) for report in reports]


def is_large(report: Report, limit_bytes: int) -> bool:
    """Whether a report's result is too large for its row."""
    result = report.data.get("result") or {}
    # a character has at most four bytes, so a short text need not be encoded to be measured
    text = result.get("text") or ""
    return (
        report.kind is ReportKind.OUTCOME
        and len(text) * 4 > limit_bytes
        and len(text.encode()) > limit_bytes
    )


def _spilled(report: Report, limit_bytes: int, artefacts: Artefacts) -> Report:
    if not is_large(report, limit_bytes):
        return report
    result = dict(report.data["result"])
    whole = result["text"].encode()
    end = whole[-limit_bytes:].decode(errors="ignore")
    result |= {"text": end, "data": None, "truncated": True}
    data = dict(report.data)
    try:
        sha256 = artefacts.add(whole)
    except HelioError:
        return replace(report, data=data | {"result": result})
    result["files"] = [*(result.get("files") or ()), NAME]
    kept = {"name": NAME, "sha256": sha256, "size_bytes": len(whole), "media_type": MEDIA_TYPE}
    return replace(report, data=data | {"result": result, "artefacts": [kept]})
