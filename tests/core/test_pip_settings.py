"""pip's settings are read as pip reads them."""

import pytest
from hypothesis import given, strategies as st

from forkkeeper.core.pip_settings import PipSettings, parse_pip_config
from forkkeeper.errors import RequestError


def test_without_pip_and_without_variables_everything_is_a_default() -> None:
    """Empty text and an empty environment give the default record."""
    assert parse_pip_config("", {}) == PipSettings()


def test_every_option_is_read() -> None:
    """Each field comes from pip's option of that name; lists are split at white space."""
    lines = """\
global.cert='/etc/ca.pem'
global.client-cert='/etc/me.pem'
global.extra-index-url='\\nfile:///one\\nfile:///two'
global.find-links='/wheels https://host.invalid/files'
global.index-url='https://host.invalid/simple'
global.no-index='true'
global.proxy='http://proxy.invalid:3128'
global.timeout='60'
global.trusted-host='a.invalid b.invalid:8080'
"""
    assert parse_pip_config(lines, {}) == PipSettings(
        index_url="https://host.invalid/simple",
        extra_index_urls=("file:///one", "file:///two"),
        find_links=("/wheels", "https://host.invalid/files"),
        trusted_hosts=("a.invalid", "b.invalid:8080"),
        cert="/etc/ca.pem",
        client_cert="/etc/me.pem",
        proxy="http://proxy.invalid:3128",
        timeout=60.0,
        no_index=True,
    )


def test_a_command_section_wins_over_global_in_any_order() -> None:
    """`install.` and `download.` win over `global.`; sections of other commands do not count."""
    lines = "download.timeout='3'\nglobal.timeout='1'\ninstall.timeout='2'\nwheel.timeout='9'\n"
    assert parse_pip_config(lines, {}).timeout == 3
    assert parse_pip_config("install.timeout='2'\nglobal.timeout='1'", {}).timeout == 2
    assert parse_pip_config("wheel.timeout='9'", {}).timeout is None


def test_the_environment_wins_over_files() -> None:
    """A variable wins over every section, whether pip reports it or it is only in the environment."""
    lines = ":env:.index-url='https://env.invalid'\ninstall.index-url='https://file.invalid'\n"
    assert parse_pip_config(lines, {}).index_url == "https://env.invalid"
    assert parse_pip_config(lines, {"PIP_INDEX_URL": "https://now.invalid"}).index_url == "https://now.invalid"
    assert parse_pip_config("", {"PIP_FIND_LINKS": " /a\n/b "}).find_links == ("/a", "/b")
    assert parse_pip_config("", {"INDEX_URL": "https://now.invalid"}) == PipSettings()


def test_both_spellings_of_an_option_are_one_option() -> None:
    """PIP_DEFAULT_TIMEOUT and PIP_PYPI_URL are other names, so they win over the plain name in a file."""
    settings = parse_pip_config(
        "global.timeout='1'", {"PIP_DEFAULT_TIMEOUT": "180", "PIP_PYPI_URL": "https://x.invalid"}
    )
    assert (settings.timeout, settings.index_url) == (180, "https://x.invalid")


def test_an_empty_value_is_no_value() -> None:
    """As in pip, an empty variable does not take a file's value away."""
    assert (
        parse_pip_config("global.index-url='https://x.invalid'", {"PIP_INDEX_URL": ""}).index_url == "https://x.invalid"
    )


def test_lines_that_are_no_settings_are_passed_over() -> None:
    """A notice between the settings does no harm, and a value without quotes is taken as it stands."""
    lines = "[notice] A new release of pip is available: 1.0 -> 2.0\n\nglobal.cert=/etc/ca.pem\n"
    assert parse_pip_config(lines, {}) == PipSettings(cert="/etc/ca.pem")


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf"])
def test_a_timeout_that_is_none_is_refused(value: str) -> None:
    """A timeout must be a number of seconds above 0; the message says what it is, and how to find where it is set."""
    with pytest.raises(RequestError, match="timeout is") as caught:
        parse_pip_config(f"global.timeout={value!r}", {})
    assert "pip config debug" in caught.value.hint


@pytest.mark.parametrize(("word", "expected"), [("1", True), ("Yes", True), ("off", False), ("0", False)])
def test_no_index_is_read_with_pips_words(word: str, expected: bool) -> None:
    """The words that pip takes for yes and no are taken."""
    assert parse_pip_config("", {"PIP_NO_INDEX": word}).no_index is expected


def test_another_word_for_no_index_is_refused() -> None:
    """A word that is neither yes nor no is an error, as in pip."""
    with pytest.raises(RequestError, match="no-index"):
        parse_pip_config("", {"PIP_NO_INDEX": "perhaps"})


@given(st.text().filter(lambda text: text.strip() != ""))
def test_any_value_comes_back_from_pips_repr(value: str) -> None:
    """Whatever a value holds, pip's listing of it is read back without loss."""
    assert parse_pip_config(f"global.cert={value!r}\n", {}).cert == value.strip()


def test_passwords_do_not_show_in_the_record() -> None:
    """The record can stand in a report: addresses, which may hold passwords, are not in its repr."""
    secret = "https://me:secret@host.invalid"  # noqa: S105 -- not one
    environ = dict.fromkeys(("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_PROXY"), secret)
    assert "secret" not in repr(parse_pip_config("", environ))
