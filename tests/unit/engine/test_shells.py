"""Shell text: a real /bin/sh is handed hostile values and must only ever print them."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.shells import with_variables
from engine.templates import check_spec, is_reserved, render_spec

SHELLS = [path for name in ("sh", "dash", "bash") if (path := shutil.which(name))]
BREAKOUTS = [
    "'; echo PWNED; '",
    '"; echo PWNED; "',
    "`echo PWNED`",
    "$(echo PWNED)",
    "${HOME}",
    "x\necho PWNED\n",
    "x; echo PWNED",
    "x && echo PWNED",
    "x | echo PWNED",
    "*",
    "a  b\tc",
    "\\",
    '\\"; echo PWNED #',
    "#",
    "-n",
    "a[$(echo PWNED)]",
    "END\necho PWNED",
    "{{index}}",
    "secret:TOKEN",
    "",
]
PLACES = [
    ("printf %s {{item}}", "{}"),
    ('printf %s "{{item}}"', "{}"),
    ('printf %s "a{{item}}b"', "a{}b"),
    ("printf %s a{{item}}b", "a{}b"),
    ("printf %s {{item}}{{item}}", "{0}{0}"),
    ('printf %s "$(printf %s "{{item}}"; echo x)"', "{}x"),
    ('x={{item}}; printf %s "$x"', "{}"),
    ("# don't {{item}}\nprintf %s {{item}}", "{}"),
    ("case x in (x) printf %s {{item}};; esac", "{}"),
    ("cat <<END\n<{{item}}>\nEND\n", "<{}>\n"),
    ("cat <<-END\n\tit's {{item}}\n\tEND\nprintf %s {{item}}", "it's {0}\n{0}"),
    ("cat <<'END'\nit's $x\nEND\nprintf %s {{item}}", "it's $x\n{}"),
    ("printf %s 'it'\"'\"'s '{{item}}", "it's {}"),
]  # fmt: skip


def printed(shell, text, value):
    spec = render_spec({"sh": text}, {"item": value, "index": "LEAK"})
    env = dict(spec.get("env") or {})
    assert not spec.get("env_files"), "these values are small"
    done = subprocess.run([shell, "-c", spec["sh"]], env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("text", "shape"), PLACES)
def test_no_value_breaks_out_of_its_place(shell, text, shape):
    for value in BREAKOUTS:
        if value.startswith("secret:"):
            continue
        assert printed(shell, text, value) == shape.format(value)


@pytest.mark.parametrize("shell", SHELLS)
@settings(deadline=None, max_examples=40)
@given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_is_printed_as_it_is(shell, value):
    assert printed(shell, 'printf %s "{{item}}"', value) == value or value.startswith("secret:")


def test_a_planted_splice_is_caught_by_the_same_check():
    text = 'printf %s "{}"'.format('"; echo PWNED; "')
    done = subprocess.run([SHELLS[0], "-c", text], capture_output=True, check=False)
    assert b"PWNED" in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        "echo '{{item}}'",
        "echo `cat {{item}}`",
        "echo $(( {{item}} + 1 ))",
        "(( {{item}} ))",
        "echo ${x:-{{item}}}",
        "echo \\{{item}}",
        "echo ${{item}}",
        "eval echo {{item}}",
        'sh -c "echo {{item}}"',
        'bash -ec "echo {{item}}"',
        'x=1; cd /; sh -c "true; echo {{item}}"',
        "[[ {{item}} -eq 0 ]]",
        "if [[ {{item}} -eq 0 ]]; then true; fi",
        "ssh host {{item}}",
        "cat <<'END'\n{{item}}\nEND",
        "sh <<END\n{{item}}\nEND",
        "cat <<END | sh\n{{item}}\nEND",
        "cat <<{{item}}\nx\nEND",
        "cat <<END\n$(( {{item}} ))\nEND",
    ],
)
def test_places_where_a_value_would_be_code_or_nothing_are_refused(text):
    with pytest.raises(BadInput) as refused:
        check_spec({"sh": text}, {"item"})
    assert "double quotes" in refused.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "echo evaluation {{item}}",
        "ls published -c {{item}}",
        "sh -c 'echo safe'; echo {{item}}",
        "cat <<END\nEND\necho {{item}}",
        "(cd /tmp && echo {{item}})",
        'echo "it\'s {{item}}"',
    ],
)
def test_harmless_neighbours_are_accepted(text):
    check_spec({"sh": text}, {"item"})


def test_one_template_is_one_variable_however_often_it_stands_there():
    shell = with_variables("{{item}} {{index}} {{item}}")
    assert shell.text == '"${HELIO_1}" "${HELIO_2}" "${HELIO_1}"'
    assert [ref.name for ref in shell.variables.values()] == ["item", "index"]


def test_shell_text_without_templates_is_not_touched():
    text = "echo '$((' `x` \"${y}\" {{{{ }}"
    assert with_variables(text).text == text.replace("{{{{", "{{")


@pytest.mark.parametrize("value", ["x" * 200_000 + "\n\n", "secret:TOKEN"])
def test_a_value_that_fits_no_variable_comes_by_file_to_the_byte(tmp_path, value):
    spec = render_spec({"sh": 'printf %s "{{item}}"', "env": {"A": "b"}}, {"item": value})
    assert spec["env"] == {"A": "b"}
    env = {}
    for name, text in spec["env_files"].items():
        (tmp_path / name).write_text(text)
        env[name] = str(tmp_path / name)
    for shell in SHELLS:
        done = subprocess.run([shell, "-c", spec["sh"]], env=env, capture_output=True, check=True)
        assert done.stdout.decode() == value


def test_a_zero_byte_becomes_the_replacement_character():
    spec = render_spec({"sh": "echo {{item}}"}, {"item": "a\0b"})
    assert spec["env"] == {"HELIO_1": "a\ufffdb"}


def test_the_variables_of_filled_in_values_are_reserved():
    assert is_reserved("HELIO_1")
    assert is_reserved("HELIO_12_FILE")
    assert not is_reserved("HELIO_HOME")
