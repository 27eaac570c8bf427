"""`helio doctor`: whether this machine and this home are fit, and what to do where not."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.text import Text

from interfaces.cli import options, reach, rise, voice
from interfaces.cli.teach import examples
from interfaces.examination import FAIL, NOTE, OK, WARN, Finding, Patient, examine

_US = 1_000_000
_STYLES = {OK: "green", NOTE: "bright_black", WARN: "yellow", FAIL: "bold red"}


def doctor(as_json: options.AsJson = False) -> None:
    """Examine the machine and the home. Ends with 1 when something is wrong."""
    home = reach.home()
    patient = Patient(home, rise.running(home), voice.now_us() / _US)
    findings = list(examine(patient))
    ill = any(finding.standing == FAIL for finding in findings)
    if as_json:
        voice.emit_json({"ok": not ill, "items": [asdict(one) for one in findings]})
    else:
        for finding in findings:
            _show(finding)
    if ill:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Put the command at the top level."""
    app.command(epilog=examples("helio doctor", "helio doctor --json"))(doctor)


def _show(finding: Finding) -> None:
    line = Text(f"{finding.standing:<5}", style=_STYLES[finding.standing])
    line.append(f"{finding.what:<12}", style="not bold default").append(finding.detail)
    if finding.remedy:
        line.append(f"  {finding.remedy}", style="bright_black")
    voice.out().print(line)
