import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import OctKey, OKPKey, RSAKey

from authz_client.license_claims import LicenseToken, read_claims
from authz_client.license_token import Fault, Refused, read_jwks, verify
from tests.client.fakes import ISSUER, KEY, OTHER_KEY, START, WEEK, claims, public, signed

AUDIENCE = "urn:kensium:organization:org1"
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
ED25519 = OKPKey.generate_key("Ed25519", {"kid": "ed"})


def verdict(license_token: str, **changes: Any) -> LicenseToken | Refused:
    given_: dict[str, Any] = {"keys": public(KEY), "issuer": ISSUER, "audience": AUDIENCE, "now": START}
    return verify(license_token, **(given_ | changes))


def fault(license_token: str, **changes: Any) -> Fault | None:
    answer = verdict(license_token, **changes)
    return answer.fault if isinstance(answer, Refused) else None


def with_header(license_token: str, **changes: Any) -> str:
    head, payload, signature = license_token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | changes
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{encoded}.{payload}.{signature}"


def test_a_good_license_token_gives_its_claims() -> None:
    token = verdict(signed(claims(license={"renewal_at": START + WEEK, "renewal_due_from": START})))
    assert isinstance(token, LicenseToken)
    assert (token.server_id, token.server_name, token.edition) == ("srv-1", "Till hub", "store")
    assert token.hub is not None
    assert token.hub.server_id == "srv-hub"
    assert token.ends_at_renewal


@pytest.mark.parametrize(("key", "alg"), [(KEY, "ES256"), (RSA, "RS256"), (ED25519, "Ed25519")])
def test_each_allowed_algorithm_verifies(key: Any, alg: str) -> None:
    assert fault(signed(claims(), key=key, header={"alg": alg}), keys=public(key)) is None


@pytest.mark.parametrize("declared", [None, "EdDSA", "Ed25519"])
def test_ed25519_is_accepted_under_its_older_name_too(declared: str | None) -> None:
    token = signed(claims(), key=ED25519, header={"alg": "Ed25519"})
    key = public(ED25519)[0] | ({} if declared is None else {"alg": declared})
    assert fault(token, keys=[key]) is None
    # The signature covers the header, so the alias must have been signed as such.
    assert fault(with_header(token, alg="EdDSA"), keys=[key]) is Fault.BAD_SIGNATURE
    aliased = with_header(token, alg="EdDSA").rsplit(".", 1)[0]
    private: Any = ED25519.private_key
    signature = base64.urlsafe_b64encode(private.sign(aliased.encode())).rstrip(b"=").decode()
    assert fault(f"{aliased}.{signature}", keys=[key]) is None


@pytest.mark.parametrize("alg", ["none", "HS256", "ES384", "PS256", "", None, 1])
def test_an_algorithm_off_the_list_is_refused(alg: object) -> None:
    assert fault(with_header(signed(claims()), alg=alg)) is Fault.ALGORITHM_NOT_ALLOWED


def test_a_public_key_is_never_taken_for_a_shared_secret() -> None:
    oct_key = dict(OctKey.generate_key(256, {"kid": "k1"}).as_dict(private=True))
    assert fault(signed(claims()), keys=[oct_key]) is Fault.UNKNOWN_KEY


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT"])
def test_both_spellings_of_the_type_are_accepted(typ: str) -> None:
    assert fault(signed(claims(), header={"typ": typ})) is None


@pytest.mark.parametrize("typ", ["JWT", "", None, 5])
def test_another_type_is_refused(typ: object) -> None:
    assert fault(with_header(signed(claims()), typ=typ)) is Fault.WRONG_TYPE


def test_a_critical_extension_is_refused() -> None:
    assert fault(with_header(signed(claims()), crit=["exp"])) is Fault.MALFORMED


def test_key_locations_in_the_header_are_not_followed() -> None:
    jwk = public(OTHER_KEY)[0]
    header = {"jku": "https://evil.example/jwks", "x5u": "https://evil.example/cert", "jwk": jwk, "kid": "k2"}
    assert fault(signed(claims(), key=OTHER_KEY, header=header)) is Fault.UNKNOWN_KEY


def test_an_unknown_key_is_named() -> None:
    answer = verdict(signed(claims(), key=OTHER_KEY))
    assert answer == Refused(Fault.UNKNOWN_KEY, kid="k2")


def test_a_missing_kid_is_an_unknown_key() -> None:
    assert fault(with_header(signed(claims()), kid=None)) is Fault.UNKNOWN_KEY


def test_another_key_under_the_same_kid_is_a_bad_signature() -> None:
    impostor = public(OTHER_KEY)[0] | {"kid": "k1"}
    assert fault(signed(claims()), keys=[impostor]) is Fault.BAD_SIGNATURE
    assert fault(signed(claims()), keys=[impostor, *public(KEY)]) is None


def test_unknown_key_types_are_ignored() -> None:
    strange = {"kty": "AKP", "kid": "k1", "alg": "ML-DSA-44", "pub": "AA"}
    assert fault(signed(claims()), keys=[strange, *public(KEY)]) is None


@pytest.mark.parametrize("change", [{"use": "enc"}, {"alg": "ES384"}, {"crv": "P-384"}, {"alg": 5}])
def test_a_key_declared_for_something_else_does_not_verify(change: dict[str, Any]) -> None:
    assert fault(signed(claims()), keys=[public(KEY)[0] | change]) is Fault.UNKNOWN_KEY


@pytest.mark.parametrize("change", [{"x": "AA"}, {"x": 7}, {"y": "!"}])
def test_a_broken_key_does_not_verify(change: dict[str, Any]) -> None:
    assert fault(signed(claims()), keys=[public(KEY)[0] | change]) is Fault.BAD_SIGNATURE


def test_a_short_rsa_key_does_not_verify() -> None:
    token = signed(claims(), key=RSA, header={"alg": "RS256"})
    assert fault(token, keys=[public(RSA)[0] | {"n": "AQAB"}]) is Fault.BAD_SIGNATURE
    assert fault(token, keys=[public(RSA)[0] | {"n": None}]) is Fault.BAD_SIGNATURE


@pytest.mark.parametrize("signature", ["", "AA", "A" * 86])
def test_a_wrong_signature_is_refused(signature: str) -> None:
    assert fault(signed(claims()).rsplit(".", 1)[0] + "." + signature) is Fault.BAD_SIGNATURE


@pytest.mark.parametrize(
    "token", ["", "a.b", "a.b.c.d", "e30.e30.!", "e30.W10.AA", "e30.A.AA", "é.e30.AA", "e30.bm8.AA"]
)
def test_what_is_no_compact_jws_of_objects_is_malformed(token: str) -> None:
    assert fault(token) is Fault.MALFORMED


def test_an_endless_token_is_malformed() -> None:
    assert fault(f"e30.{'A' * 65536}.AA") is Fault.MALFORMED


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert fault(text) is not None


def test_the_token_is_valid_from_nbf_until_before_exp() -> None:
    token = signed(claims())
    assert fault(token, now=START - 1) is Fault.NOT_YET_VALID
    assert fault(token, now=START) is None
    assert fault(token, now=START + 1) is None
    assert fault(token, now=START + WEEK - 1) is None
    assert fault(token, now=START + WEEK) is Fault.EXPIRED
    assert fault(token, now=START + WEEK + 1) is Fault.EXPIRED


def test_a_declared_leeway_widens_both_bounds() -> None:
    token = signed(claims())
    assert fault(token, now=START - 61, leeway_seconds=60) is Fault.NOT_YET_VALID
    assert fault(token, now=START - 60, leeway_seconds=60) is None
    assert fault(token, now=START + WEEK + 59, leeway_seconds=60) is None
    assert fault(token, now=START + WEEK + 60, leeway_seconds=60) is Fault.EXPIRED


@pytest.mark.parametrize("leeway", [-1, 61])
def test_a_leeway_beyond_a_minute_is_a_mistake(leeway: int) -> None:
    with pytest.raises(ValueError, match="leeway_seconds"):
        verdict(signed(claims()), leeway_seconds=leeway)


def test_a_token_not_yet_valid_is_refused_with_what_it_says_for_the_mark() -> None:
    answer = verdict(signed(claims()), now=START - 1)
    assert isinstance(answer, Refused)
    assert answer.claims is not None
    assert answer.claims.iat == START


def test_an_expired_token_says_nothing_for_the_mark() -> None:
    assert verdict(signed(claims()), now=START + WEEK) == Refused(Fault.EXPIRED)


@pytest.mark.parametrize("iss", [ISSUER + "/", ISSUER.upper(), "https://other.example"])
def test_the_issuer_must_be_identical(iss: str) -> None:
    assert fault(signed(claims(iss=iss))) is Fault.WRONG_ISSUER


def test_the_audience_must_be_named() -> None:
    foreign = "urn:kensium:organization:org2"
    assert fault(signed(claims(aud=foreign))) is Fault.WRONG_AUDIENCE
    assert fault(signed(claims(aud=[foreign, AUDIENCE]))) is None
    assert fault(signed(claims(aud=[]))) is Fault.WRONG_AUDIENCE
    assert fault(signed(claims(aud=foreign)), audience=None) is Fault.WRONG_AUDIENCE
    assert fault(signed(claims()), audience=None) is None


REQUIRED = ["iss", "sub", "aud", "client_id", "iat", "nbf", "exp", "jti", "scope", "license"]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_claim_is_refused(name: str) -> None:
    payload = claims()
    del payload[name]
    assert fault(signed(payload)) is Fault.MALFORMED_CLAIMS


@pytest.mark.parametrize("name", ["organization", "server_name", "edition", "features"])
def test_a_missing_member_of_the_license_is_refused(name: str) -> None:
    payload = claims()
    del payload["license"][name]
    assert fault(signed(payload)) is Fault.MALFORMED_CLAIMS


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": str(START)},
        {"exp": float(START) + 0.5},
        {"exp": True},
        {"exp": -1},
        {"exp": START * 1000},  # milliseconds
        {"sub": 7},
        {"aud": 7},
        {"aud": [7]},
        {"license": {"features": "xms"}},
        {"license": {"hub": {"server_id": "x"}}},
        {"license": {"hub": "x"}},
        {"license": {"renewal_at": START}},
        {"license": {"renewal_due_from": START}},
    ],
)
def test_a_claim_of_the_wrong_shape_is_refused(changes: dict[str, Any]) -> None:
    assert fault(signed(claims(**changes))) is Fault.MALFORMED_CLAIMS


def test_a_license_without_hub_renewal_or_features_is_good() -> None:
    token = verdict(signed(claims(license={"hub": None, "features": [], "renewal_at": None})))
    assert isinstance(token, LicenseToken)
    assert (token.hub, token.renewal_at, token.features) == (None, None, ())
    assert not token.ends_at_renewal


def test_unknown_members_are_ignored() -> None:
    payload = claims(license={"new": 1})
    assert read_claims(payload | {"newer": 2}) == read_claims(claims())


def test_a_key_set_is_read_without_private_or_broken_members() -> None:
    keys = read_jwks({"keys": [{"kty": "EC", "kid": "a", "d": "secret"}, "no key", {"kty": 7}]})
    assert keys == ({"kty": "EC", "kid": "a"},)


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}])
def test_what_is_no_key_set_is_none(document: object) -> None:
    assert read_jwks(document) is None


def test_a_name_that_cannot_be_shown_is_refused() -> None:
    assert read_claims(claims(license={"server_name": "\ud800"})) is None


@settings(deadline=None)  # the machine may be busy
@given(st.sampled_from([(KEY, "ES256"), (RSA, "RS256"), (ED25519, "Ed25519")]), st.binary(max_size=300))
def test_no_signature_raises(pair: tuple[Any, str], signature: bytes) -> None:
    key, alg = pair
    unsigned = with_header(signed(claims()), kid=key.kid, alg=alg).rsplit(".", 1)[0]
    encoded = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    assert fault(f"{unsigned}.{encoded}", keys=public(key)) is Fault.BAD_SIGNATURE
