from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import OctKey

from mock_authz import minting
from mock_authz.domain.signing_key import SigningKey
from mock_authz.settings import ALGORITHMS
from tests.factories import ISSUER, NOW

CLAIMS = {"iss": ISSUER, "sub": "store-12", "jti": "license-1.7"}


def key_of(alg: str, seed: bytes = b"x" * 32) -> SigningKey:
    kid, private_jwk = minting.new_key(alg, secret=seed)
    return SigningKey(kid=kid, alg=alg, published_at=NOW, signs_from_at=NOW, private_jwk=private_jwk)


KEYS = {alg: key_of(alg) for alg in ALGORITHMS}
KEY = KEYS["Ed25519"]


def minted(key: SigningKey = KEY, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    return minting.sign({**minting.header(key), **(header or {})}, {**CLAIMS, **claims}, key)


def verified(presented: str, *keys: SigningKey) -> dict[str, Any] | None:
    return minting.verify(presented, keys or (KEY,), issuer=ISSUER)


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_we_sign_verifies_with_the_published_key_alone(alg: str) -> None:
    presented = minted(KEYS[alg])
    assert verified(presented, KEYS[alg]) == CLAIMS
    public = minting.public_jwk(KEYS[alg])
    imported = type(minting._imported(KEYS[alg].private_jwk)).import_key(public)  # noqa: SLF001 - its class
    assert jwt.decode(presented, imported, algorithms=[alg]).claims == CLAIMS


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_header_names_alg_typ_and_kid(alg: str) -> None:
    headers = jws.extract_compact(minted(KEYS[alg]).encode()).headers()
    assert headers == {"alg": alg, "typ": "at+jwt", "kid": KEYS[alg].kid}


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_public_key_says_what_it_is_for_and_holds_nothing_private(alg: str) -> None:
    public = minting.public_jwk(KEYS[alg])
    assert (public["kid"], public["use"], public["alg"]) == (KEYS[alg].kid, "sig", alg)
    assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & set(public)


def test_an_rsa_key_has_2048_bits() -> None:
    modulus = str(minting.public_jwk(KEYS["RS256"])["n"])
    assert len(urlsafe_b64decode(modulus + "==")) * 8 == 2048


@pytest.mark.parametrize("alg", ["ES256", "Ed25519"])
def test_the_same_secret_makes_the_same_key_and_another_makes_another(alg: str) -> None:
    assert key_of(alg) == KEYS[alg]
    assert key_of(alg, b"y" * 32).kid != KEYS[alg].kid


@pytest.mark.parametrize("secret", [b"\x00" * 32, b"\xff" * 32, (minting.P256_ORDER_LESS_ONE).to_bytes(32)])
def test_every_secret_makes_a_p256_key(secret: bytes) -> None:
    key = key_of("ES256", secret)
    assert verified(minted(key), key) == CLAIMS


def test_the_private_key_is_never_shown() -> None:
    assert json.loads(KEY.private_jwk)["d"] not in repr(KEY)


@pytest.mark.parametrize("alg", ["Ed25519", "RS256"])
def test_the_same_claims_are_signed_byte_for_byte(alg: str) -> None:
    assert minted(KEYS[alg]) == minted(KEYS[alg])


def test_the_key_is_chosen_by_its_kid() -> None:
    assert verified(minted(KEY), *KEYS.values()) == CLAIMS


def test_times_are_not_looked_at() -> None:
    assert verified(minted(exp=0, nbf=NOW * 2)) is not None


def test_application_at_jwt_is_accepted() -> None:
    assert verified(minted(header={"typ": "application/at+jwt"})) == CLAIMS


@pytest.mark.parametrize("typ", ["JWT", "", "AT+JWT ", None])
def test_another_typ_is_refused(typ: str | None) -> None:
    header = minting.header(KEY)
    del header["typ"]
    presented = minting.sign(header if typ is None else {**header, "typ": typ}, CLAIMS, KEY)
    assert verified(presented) is None


@pytest.mark.parametrize("issuer", [ISSUER + "/", ISSUER.upper(), "", None])
def test_another_issuer_is_refused(issuer: str | None) -> None:
    assert verified(minted(iss=issuer)) is None


def test_an_unknown_key_is_refused() -> None:
    assert verified(minted(key_of("Ed25519", b"y" * 32))) is None


def test_another_key_under_our_kid_is_refused() -> None:
    impostor = replace(key_of("Ed25519", b"y" * 32), kid=KEY.kid)
    assert verified(minted(impostor)) is None


def test_the_algorithm_is_the_key_s_own() -> None:
    """RFC 8725 3.1: an HMAC under the public key, or no signature at all, is not ours."""
    public = json.dumps(minting.public_jwk(KEY)).encode()
    confused = jws.serialize_compact(
        {**minting.header(KEY), "alg": "HS256"}, json.dumps(CLAIMS), OctKey.import_key(public)
    )
    unsigned = f"{encoded({**minting.header(KEY), 'alg': 'none'})}.{encoded(CLAIMS)}."
    other = minted(KEYS["ES256"], header={"kid": KEYS["RS256"].kid})
    for presented in (confused, unsigned, other):
        assert verified(presented, *KEYS.values()) is None


@given(st.data())
def test_a_token_with_any_character_changed_is_refused(data: st.DataObject) -> None:
    presented = minted()
    # The last character of a part holds bits that base64url does not use.
    ends = {
        position for position in range(len(presented)) if presented[position : position + 2][1:] in {".", ""}
    }
    position = data.draw(st.sampled_from([at for at in range(len(presented)) if at not in ends]))
    changed = data.draw(st.characters().filter(lambda character: character != presented[position]))
    assert verified(presented[:position] + changed + presented[position + 1 :]) is None


MALFORMED = {
    "nothing": "",
    "dots": "..",
    "too many parts": "a.b.c.d",
    "an encrypted one": "a.b.c.d.e",
    "no base64": "!!.!!.!!",
    "no ASCII": "é.é.é",
    "half a surrogate": "\ud800.a.b",
    "a header that is no object": f"{encoded([])}.{encoded(CLAIMS)}.aa",
    "a header that is no JSON": f"{encoded(b'{')}.{encoded(CLAIMS)}.aa",
    "a header that is no UTF-8": f"{encoded(bytes([255]))}.{encoded(CLAIMS)}.aa",
    "a header without kid": f"{encoded({'alg': 'Ed25519', 'typ': 'at+jwt'})}.{encoded(CLAIMS)}.aa",
    "a kid that is a list": f"{encoded({'alg': 'Ed25519', 'kid': [1]})}.{encoded(CLAIMS)}.aa",
    "an alg that is a list": f"{encoded({'alg': ['Ed25519'], 'kid': KEY.kid})}.{encoded(CLAIMS)}.aa",
    "an unknown crit": f"{encoded({**minting.header(KEY), 'crit': ['x']})}.{encoded(CLAIMS)}.aa",
    "a deep header": f"{encoded(b'[' * 100_000)}.{encoded(CLAIMS)}.aa",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_token_is_refused_and_nothing_is_raised(case: str) -> None:
    assert verified(MALFORMED[case]) is None


@pytest.mark.parametrize("payload", [b"[]", b'"x"', b"1", b"null", b"\xff", b"", b"[" * 100_000])
def test_signed_claims_that_are_no_object_are_refused(payload: bytes) -> None:
    signed = jws.serialize_compact(
        minting.header(KEY),
        payload,
        minting._imported(KEY.private_jwk),  # noqa: SLF001 - to sign what `sign` never would
        algorithms=["Ed25519"],
    )
    assert verified(signed) is None


@given(st.text(max_size=60))
def test_no_text_makes_verification_raise(presented: str) -> None:
    assert verified(presented) is None
