"""Reads models.toml into a `Catalogue`: text in, values or sentences out. Pure.

Everything wrong is found at once and said with its place. A preset fills in what the file leaves
out; what the file says goes above it. Which providers can be called right now, this module does
not know: it never looks for a secret's value.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass

from pydantic import ValidationError

from engine.errors import BadInput
from routing.cataloguing.choices import aliases, falls_to, tiers
from routing.cataloguing.deployments import deployments
from routing.cataloguing.file import FILE, CatalogueFile, Places, sentence_of
from routing.cataloguing.findings import Findings, Flaw
from routing.cataloguing.providers import serving
from routing.models import Catalogue

_DIGEST_CHARS = 16


class BadCatalogue(BadInput):
    """The catalogue of models cannot be used as it is; every problem is listed."""

    slug, title = "bad-catalogue", "models.toml cannot be used"

    def __init__(self, flaws: tuple[Flaw, ...]) -> None:
        super().__init__(
            " ".join(flaw.sentence for flaw in flaws),
            remedy="Correct it, then look again: helio check",
            problems=[flaw.sentence for flaw in flaws],
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """A catalogue (None when a flaw is fatal) and what is wrong with its file."""

    catalogue: Catalogue | None
    flaws: tuple[Flaw, ...] = ()


def read_catalogue(text: str) -> Catalogue:
    """Read a catalogue; an empty text is an empty one.

    Raises:
        BadCatalogue: something is wrong; the error lists all of it.
    """
    judged = judge(text)
    if judged.catalogue is None:
        raise BadCatalogue(tuple(flaw for flaw in judged.flaws if flaw.fatal))
    return judged.catalogue


def judge(text: str) -> Judged:
    """Read a catalogue and everything that is wrong with it; raise nothing."""
    places = Places(text)
    try:
        file = CatalogueFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        return Judged(None, (Flaw(f"{FILE} is not valid TOML: {fault}."),))
    except ValidationError as fault:
        errors = fault.errors(include_url=False)
        return Judged(None, tuple(Flaw(sentence_of(error, places)) for error in errors))
    findings = Findings(places)
    providers = [serving(name, entry, findings) for name, entry in file.providers.items()]
    served = deployments(providers, file.models, findings)
    catalogue = Catalogue(
        providers={one.provider.name: one.provider for one in providers},
        deployments=served,
        tiers=tiers(file, served, findings),
        aliases=aliases(file, providers, served, findings),
        falls_to=falls_to(file, served, findings),
        version=hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARS],
    )
    fatal = any(flaw.fatal for flaw in findings.flaws)
    return Judged(None if fatal else catalogue, tuple(findings.flaws))
