"""The values of providers' keys: read where the catalogue says they are, and told to nobody.

``secret:NAME`` is a registered secret of the home, ``env:NAME`` a variable of the house's
environment. A value is read again when its file changed. Errors tell names, never values.
"""

from __future__ import annotations

from engine.errors import HelioError, NotFound
from store.config import variable
from store.home import Home
from store.secrets import REFERENCE, Secrets

_VARIABLE = "env:"


class KeyValues:
    """Resolves references of one home."""

    def __init__(self, home: Home) -> None:
        self._secrets = Secrets(home.secrets)
        self._known: dict[str, tuple[int, str]] = {}
        self._renewed: set[str] = set()

    def resolve(self, source: str) -> str:
        """Give the value behind a reference; an empty reference is an empty value.

        Raises:
            NotFound: nobody has set it.
            HouseFault: its file can be read by others.
        """
        if not source:
            return ""
        if source.startswith(_VARIABLE):
            return self._variable(source.removeprefix(_VARIABLE))
        return self._secret(source.removeprefix(REFERENCE))

    def is_there(self, source: str) -> bool:
        """Whether a reference can be resolved."""
        try:
            self.resolve(source)
        except HelioError:
            return False
        return True

    def take_renewed(self) -> frozenset[str]:
        """Give the references whose values have changed since this was last asked."""
        renewed, self._renewed = frozenset(self._renewed), set()
        return renewed

    def _secret(self, name: str) -> str:
        changed_at = self._secrets.changed_at(name)
        known = self._known.get(name)
        if known is not None and known[0] == changed_at:
            return known[1]
        value = self._secrets.read(name).strip()
        if known is not None and known[1] != value:
            self._renewed.add(REFERENCE + name)
        self._known[name] = changed_at, value
        return value

    @staticmethod
    def _variable(name: str) -> str:
        value = variable(name)
        if not value:
            raise NotFound(
                f"The house was started without the variable {name}.",
                remedy=f"Register it as a secret instead: helio secret set {name}",
            )
        return value
