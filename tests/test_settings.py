from __future__ import annotations

import pytest

from mock_authz.settings import LONGEST_SECONDS, MAY_BE_ZERO, Settings, SettingsError, as_mapping, change

DURATIONS = [name for name in as_mapping(Settings()) if name.endswith("_seconds")]


def test_the_defaults_are_those_of_the_protocol() -> None:
    assert as_mapping(Settings()) == {
        "license_token_seconds": 7 * 86_400,
        "refresh_token_seconds": 90 * 86_400,
        "code_seconds": 900,
        "interval_seconds": 5,
        "renewal_window_seconds": 30 * 86_400,
        "token_warning_seconds": 2 * 86_400,
        "refresh_retry_window_seconds": 86_400,
        "alg": "ES256",
        "cors": False,
    }


@pytest.mark.parametrize("name", DURATIONS)
def test_a_duration_is_whole_seconds_from_one_or_zero_to_a_hundred_years(name: str) -> None:
    least = 0 if name in MAY_BE_ZERO else 1
    for value in (least, LONGEST_SECONDS):
        assert as_mapping(change(Settings(), {name: value}))[name] == value
    for wrong in (least - 1, LONGEST_SECONDS + 1, 1.0, "5", True, None):
        with pytest.raises(SettingsError) as refused:
            change(Settings(), {name: wrong})
        assert refused.value.name == name


def test_what_is_issued_lives_at_least_a_second() -> None:
    assert set(DURATIONS) - MAY_BE_ZERO == {"license_token_seconds", "refresh_token_seconds", "code_seconds"}


@pytest.mark.parametrize("alg", ["ES256", "RS256", "Ed25519"])
def test_three_algorithms_can_be_chosen(alg: str) -> None:
    assert change(Settings(), {"alg": alg}).alg == alg


@pytest.mark.parametrize("alg", ["none", "HS256", "EdDSA", "es256", None, 1, ["ES256"]])
def test_no_other_algorithm_can_be_chosen(alg: object) -> None:
    with pytest.raises(SettingsError) as refused:
        change(Settings(), {"alg": alg})
    assert refused.value.name == "alg"


@pytest.mark.parametrize("cors", [1, "true", None])
def test_cors_is_true_or_false(cors: object) -> None:
    assert change(Settings(), {"cors": True}).cors is True
    with pytest.raises(SettingsError, match="true or false"):
        change(Settings(), {"cors": cors})


@pytest.mark.parametrize("name", ["", "interval", "Cors", "lifetimes"])
def test_an_unknown_setting_is_never_silently_ignored(name: str) -> None:
    with pytest.raises(SettingsError, match="not a setting") as refused:
        change(Settings(), {"cors": True, name: 1})
    assert refused.value.name == name


def test_what_is_not_given_stays() -> None:
    before = Settings(cors=True, interval_seconds=7)
    assert change(before, {}) == before
    assert change(before, {"alg": "RS256"}) == Settings(cors=True, interval_seconds=7, alg="RS256")


def test_the_preset_fast_lets_tests_poll_without_a_wait() -> None:
    assert change(Settings(cors=True), {"preset": "fast"}) == Settings(cors=True, interval_seconds=0)


def test_a_setting_beside_a_preset_goes_before_it() -> None:
    assert change(Settings(), {"interval_seconds": 3, "preset": "fast"}).interval_seconds == 3


@pytest.mark.parametrize("preset", ["slow", "", None, 1, ["fast"]])
def test_an_unknown_preset_is_refused(preset: object) -> None:
    with pytest.raises(SettingsError, match="not a preset") as refused:
        change(Settings(), {"preset": preset})
    assert refused.value.name == "preset"


def test_lifetimes_are_the_part_that_licenses_are_kept_under() -> None:
    lifetimes = change(
        Settings(),
        {
            "license_token_seconds": 1,
            "refresh_token_seconds": 2,
            "renewal_window_seconds": 3,
            "refresh_retry_window_seconds": 4,
        },
    ).lifetimes
    assert (
        lifetimes.license_token_seconds,
        lifetimes.refresh_token_seconds,
        lifetimes.renewal_window_seconds,
        lifetimes.refresh_retry_window_seconds,
    ) == (1, 2, 3, 4)
