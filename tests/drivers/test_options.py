"""Options are checked by what a driver declared, all problems at once, secrets never quoted."""

from __future__ import annotations

import pytest

from drivers.errors import InvalidOptions
from drivers.options import MASK, Option, mask, parse

DECLARED = (
    Option(name="host", help="Where it is.", required=True),
    Option(name="password", help="What opens it.", secret=True),
    Option(name="pin", help="A number nobody may see.", secret=True, kind="integer"),
    Option(name="folder", help="Where it keeps things.", kind="path"),
    Option(name="retries", help="How often.", kind="integer", default=3, minimum=1),
    Option(name="pause", help="How long.", kind="number", default=0.5, minimum=0),
    Option(name="verify", help="Whether to check.", kind="boolean", default=True),
    Option(name="mode", help="Which way.", choices=("fast", "safe")),
)


def problems(**given: object) -> list[str]:
    with pytest.raises(InvalidOptions) as caught:
        parse(DECLARED, {"host": "here", **given})
    return caught.value.problems


def test_options_not_given_take_their_defaults() -> None:
    assert parse(DECLARED, {"host": "here"}) == {
        "host": "here",
        "password": None,
        "pin": None,
        "folder": None,
        "retries": 3,
        "pause": 0.5,
        "verify": True,
        "mode": None,
    }


def test_texts_become_values_of_the_declared_kind() -> None:
    given = {"host": " here ", "folder": "/srv", "retries": "5", "pause": "1.5", "verify": "off", "mode": "safe"}

    values = parse(DECLARED, given)

    assert (values["host"], values["folder"], values["retries"]) == ("here", "/srv", 5)
    assert (values["pause"], values["verify"], values["mode"]) == (1.5, False, "safe")


def test_values_already_of_their_kind_stay_as_they_are() -> None:
    values = parse(DECLARED, {"host": "here", "retries": 5, "pause": 2.5, "verify": False})

    assert (values["retries"], values["pause"], values["verify"]) == (5, 2.5, False)


@pytest.mark.parametrize("word, value", [("true", True), ("YES", True), ("1", True), ("off", False), ("No", False)])
def test_boolean_words_are_understood(word: str, value: bool) -> None:
    assert parse(DECLARED, {"host": "here", "verify": word})["verify"] is value


def test_an_empty_text_counts_as_not_given() -> None:
    assert parse(DECLARED, {"host": "here", "retries": ""})["retries"] == 3


@pytest.mark.parametrize(
    "name, value, sentence",
    [
        ("retries", "many", "option 'retries' must be a whole number, not 'many'"),
        ("retries", "0", "option 'retries' must be a whole number of at least 1, not '0'"),
        ("pause", "long", "option 'pause' must be a number, not 'long'"),
        ("verify", "perhaps", "option 'verify' must be true or false, not 'perhaps'"),
        ("folder", "here/there", "option 'folder' must be an absolute path, not 'here/there'"),
        ("mode", "slow", "option 'mode' must be one of fast, safe, not 'slow'"),
    ],
)
def test_a_wrong_value_is_quoted_with_what_it_should_have_been(name: str, value: str, sentence: str) -> None:
    assert problems(**{name: value}) == [sentence]


def test_the_value_of_a_secret_is_never_quoted() -> None:
    assert problems(pin="hunter2") == ["option 'pin' must be a whole number"]


def test_a_required_option_is_asked_for_with_its_help() -> None:
    with pytest.raises(InvalidOptions, match="option 'host' is required: Where it is"):
        parse(DECLARED, {})


def test_an_unknown_option_is_refused_naming_the_known() -> None:
    assert problems(hots="here") == [
        "unknown option 'hots' (known: folder, host, mode, password, pause, pin, retries, verify)"
    ]


def test_all_problems_are_named_at_once() -> None:
    assert len(problems(retries="many", verify="perhaps", nonsense=1)) == 3


def test_masking_hides_secrets_and_what_nobody_declared() -> None:
    shown = mask(DECLARED, {"host": "here", "password": "hunter2", "pin": None, "stray": "value"})

    assert shown == {"host": "here", "password": MASK, "pin": None, "stray": MASK}
