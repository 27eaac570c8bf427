"""Templates: fill the values of earlier work into a text or a spec, once, as data.

`engine.tokens` says what a template looks like, `engine.lookup` what it means, `engine.shells`
how a value reaches a shell. Here is where each value may go:

    run         each argument is filled in whole and never split; the program itself (the first
                one) may only come from an input, never from the output of a job
    sh          a value arrives as a variable HELIO_n; one too large for the environment as a
                file: `env_files` holds {NAME: text}, the session writes the text to a private
                file and sets NAME to its path
    env         a filled-in value is never taken for a secret's reference
    prompt, system, stdin, requirements, wait.ask     text
    model, attach   text, of inputs only: what one job wrote does not choose what another one
                spends or reads; a file that a job left is ``{{results.NAME.job}}:file``
    args, map.over    a string that is one template gives the JSON value itself

One pass: what is inserted is never looked at again. Nothing is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import BadInput, PayloadTooLarge
from engine.lookup import as_text, resolve
from engine.shells import PREFIX, with_variables
from engine.tokens import Ref, parse, sole_template, unknown

SECRET = "secret:"  # noqa: S105 - the prefix of a reference, not a secret
TEXTS = ("prompt", "system", "stdin", "requirements")
CHOICES = ("model", "attach")
# Linux takes at most 128 KiB in one argument or one variable; a little is left for the name.
_VARIABLE_BYTES = 100_000
LARGEST_ARGUMENT_BYTES = 131_071

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text whose templates are filled in."""

    text: str


def names(text: str) -> list[str]:
    """List the templates of a text, in order, each as written between its braces.

    Raises:
        BadInput, UnknownName: as `engine.tokens.parse`.
    """
    return [token.name for token in parse(text) if isinstance(token, Ref)]


def check(text: str, known: Collection[str]) -> None:
    """Make sure that every template of a text will have a value.

    `known` holds what may be named: ``input.who``, ``results.build``, ``prev_result``.

    Raises:
        UnknownName: names the template and lists what is known.
        BadInput: as `engine.tokens.parse`.
    """
    for token in parse(text):
        if isinstance(token, Ref) and token.base not in known:
            raise unknown(token, known)


def check_spec(spec: Mapping[str, Any], known: Collection[str]) -> None:
    """Make sure that a spec can be filled in later: names, and places where values may stand.

    Raises:
        UnknownName: as `check`.
        BadInput: a template stands where no value may go.
    """
    argv = spec.get("run") or ()
    for text in [*argv, *(spec[key] for key in TEXTS if spec.get(key))]:
        check(text, known)
    if argv and any(not name.startswith("input.") for name in names(argv[0])):
        raise BadInput(
            f"The program {argv[0]!r} would be chosen by the output of another job.",
            remedy="Name the program itself; only its arguments may be templates.",
        )
    if spec.get("sh"):
        check(spec["sh"], known)
        with_variables(spec["sh"])
    for name, text in (spec.get("env") or {}).items():
        check(text, known)
        if text.startswith(SECRET) and names(text):
            raise BadInput(
                f"The variable {name} would take the name of its secret from a template.",
                remedy="Write the secret's name itself: secret:NAME.",
            )
    for key in CHOICES:
        chosen = spec.get(key) or ()
        for text in (chosen,) if isinstance(chosen, str) else chosen:
            check(text, known)
            _refuse_foreign_choice(text)
    if (spec.get("wait") or {}).get("ask"):
        check(spec["wait"]["ask"], known)
    check_value(spec.get("args"), known)


def _refuse_foreign_choice(text: str) -> None:
    for name in names(text):
        whose = name.split(".")
        if whose[0] != "input" and (whose[0], whose[-1], len(whose)) != ("results", "job", 3):
            raise BadInput(
                f"The output of another job would choose {text!r}.",
                remedy="Name it yourself, by an input, or take a file of a step: "
                "{{results.STEP.job}}:NAME.",
            )


def check_value(value: Any, known: Collection[str]) -> None:
    """Check every text inside a JSON value.

    Raises:
        UnknownName, BadInput: as `check`.
    """
    match value:
        case str():
            check(value, known)
        case Mapping():
            for part in value.values():
                check_value(part, known)
        case list() | tuple():
            for part in value:
                check_value(part, known)
        case _:
            pass  # numbers, true, false and null hold no text


def render(text: str, values: Values, cap_bytes: int | None = None) -> Rendered:
    """Fill in the templates of a text, once.

    Raises:
        UnknownName: a value lacks the field that the template names.
        PayloadTooLarge: the text would grow beyond `cap_bytes`.
    """
    pieces: list[str] = []
    size = 0
    for token in parse(text):
        piece = token if isinstance(token, str) else as_text(resolve(token, values, text=True))
        size += len(piece.encode("utf-8", "replace"))
        if cap_bytes is not None and size > cap_bytes:
            raise PayloadTooLarge(
                f"The text grows beyond {cap_bytes} bytes when its templates are filled in.",
                remedy="Name a field of the result instead of all of it, or pass a file.",
            )
        pieces.append(piece)
    return Rendered("".join(pieces))


def render_value(value: Any, values: Values, cap_bytes: int | None = None) -> Any:
    """Fill in every text inside a JSON value; a text that is one template gives its value.

    Raises:
        UnknownName, PayloadTooLarge: as `render`.
    """
    match value:
        case str():
            ref = sole_template(value)
            return resolve(ref, values) if ref else render(value, values, cap_bytes).text
        case Mapping():
            return {name: render_value(part, values, cap_bytes) for name, part in value.items()}
        case list() | tuple():
            return [render_value(part, values, cap_bytes) for part in value]
        case _:
            return value


def render_spec(
    spec: Mapping[str, Any], values: Values, cap_bytes: int | None = None
) -> dict[str, Any]:
    """Fill in a spec: only the keys named above, everything else stays as it is.

    Raises:
        UnknownName: a value lacks the field that a template names.
        PayloadTooLarge: a text, an argument or a variable grows too large.
        BadInput: a filled-in variable would read as a reference to a secret.
    """

    def text(template: str) -> str:
        return render(template, values, cap_bytes).text

    filled = dict(spec)
    for key in (*TEXTS, *CHOICES):
        match spec.get(key):
            case str() as written:
                filled[key] = text(written)
            case list() | tuple() as parts:
                filled[key] = [text(part) for part in parts]
            case _:
                pass  # it is not said
    if spec.get("run"):
        filled["run"] = [_argument(text(part)) for part in spec["run"]]
    if spec.get("env"):
        filled["env"] = {name: _variable(name, raw, text) for name, raw in spec["env"].items()}
    if spec.get("args") is not None:
        filled["args"] = render_value(spec["args"], values, cap_bytes)
    if (spec.get("wait") or {}).get("ask"):
        filled["wait"] = {**spec["wait"], "ask": text(spec["wait"]["ask"])}
    if spec.get("sh"):
        _fill_shell(filled, values)
    return filled


def _fill_shell(filled: dict[str, Any], values: Values) -> None:
    shell = with_variables(filled["sh"])
    env = dict(filled.get("env") or {})
    files = dict(filled.get("env_files") or {})
    prologue = ""
    for variable, ref in shell.variables.items():
        value = _without_nul(as_text(resolve(ref, values, text=True)))
        if _size(value) <= _VARIABLE_BYTES and not value.startswith(SECRET):
            env[variable] = value
            continue
        files[f"{variable}_FILE"] = value
        prologue += (
            f'{variable}=$(cat -- "${variable}_FILE" && printf x) || exit 1\n'
            f"{variable}=${{{variable}%x}}\n"
        )
    filled["sh"] = prologue + shell.text
    if env:
        filled["env"] = env
    if files:
        filled["env_files"] = files


def _argument(value: str) -> str:
    if _size(value) > LARGEST_ARGUMENT_BYTES:
        raise PayloadTooLarge(
            f"An argument of `run` has {_size(value)} bytes; "
            f"the system takes {LARGEST_ARGUMENT_BYTES}.",
            remedy="Give it to the program as `stdin`.",
        )
    return _without_nul(value)


def _variable(name: str, raw: str, text: Callable[[str], str]) -> str:
    if not names(raw):
        return text(raw)
    value = _without_nul(text(raw))
    if value.startswith(SECRET):
        raise BadInput(
            f"The value for the variable {name} begins with {SECRET!r}, as only a reference may.",
            remedy="Give the value as `stdin`, or put other text before it.",
        )
    if _size(value) > _VARIABLE_BYTES:
        raise PayloadTooLarge(
            f"The variable {name} has {_size(value)} bytes; at most {_VARIABLE_BYTES} fit.",
            remedy="Give it to the program as `stdin`.",
        )
    return value


def is_reserved(variable: str) -> bool:
    """Whether a variable's name belongs to filled-in values of shell text."""
    return variable.startswith(PREFIX) and variable[len(PREFIX) :][:1].isdigit()


def _without_nul(value: str) -> str:
    """No argument and no variable can hold a zero byte."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _size(value: str) -> int:
    return len(value.encode("utf-8", "replace"))
