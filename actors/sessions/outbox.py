"""Reports that the dispatcher has not acknowledged, oldest first. Pure; sends nothing itself."""

from __future__ import annotations

from collections import deque

from engine.messages import Report, ReportKind


class Outbox:
    """A queue whose head goes only when the other side has made it durable.

    However long the dispatcher is away, an order owes at most three reports: one of each kind.
    """

    def __init__(self) -> None:
        self._reports: deque[Report] = deque()

    def __len__(self) -> int:
        return len(self._reports)

    def add(self, report: Report) -> None:
        """Queue a report; progress replaces older progress of the same order in its place.

        A report that is under way may be the one replaced. Its acknowledgement then drops the
        newer one as well, which costs nothing: progress is a sign of life, the next one follows.
        """
        if report.kind is ReportKind.PROGRESS:
            for place, old in enumerate(self._reports):
                same = old.job == report.job and old.epoch == report.epoch
                if same and old.kind is ReportKind.PROGRESS:
                    self._reports[place] = report
                    return
        self._reports.append(report)

    def pending(self, limit: int) -> list[Report]:
        """The oldest reports, which stay until `acked`."""
        return [report for report, _ in zip(self._reports, range(limit), strict=False)]

    def acked(self, count: int) -> None:
        """Drop the `count` oldest reports."""
        for _ in range(min(count, len(self._reports))):
            self._reports.popleft()

    def outcomes(self) -> list[tuple[str, int]]:
        """Which orders have ended without the dispatcher knowing it for sure."""
        return [(r.job, r.epoch) for r in self._reports if r.kind is ReportKind.OUTCOME]
