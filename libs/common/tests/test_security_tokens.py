"""S4: only what we signed, as we signed it, in its time and for its purpose, is a token."""

import base64
import hashlib
import hmac
import json
import random
from typing import Any

import jwt
import pytest
from common.errors import ServiceError, SessionForbidden, TokenExpired, Unauthenticated
from common.security.tokens import TokenSigner, TokenVerifier, generate_key_pair, public_key_of
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def accepted(verifier: TokenVerifier, token: str) -> bool:
    for verify in (verifier.visitor, verifier.agent):
        try:
            verify(token)
        except ServiceError:
            continue
        return True
    return False


@pytest.fixture
def forge(test_keys, clock):
    """Tokens with any header, claims and key, built by hand so that no library refuses."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(unb64(test_keys.agent[0]))

    def made(
        claims: dict[str, Any] | None = None,
        *,
        header: dict[str, Any] | None = None,
        without: tuple[str, ...] = (),
        signed_by: Any = key,
    ) -> str:
        good = {
            "iss": "kefu",
            "typ": "access",
            "sub": "ada",
            "username": "ada",
            "name": "Ada",
            "role": "agent",
            "max_sessions": 5,
            "jti": "j",
            "family": "f",
            "iat": clock(),
            "exp": int(clock()) + 900,
            **(claims or {}),
        }
        payload = {name: value for name, value in good.items() if name not in without}
        head = {"alg": "EdDSA", "typ": "JWT"} if header is None else header
        text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(payload).encode())}"
        return f"{text}.{b64(signed_by.sign(text.encode()))}"

    return made


def test_what_was_signed_is_read_back(test_keys):
    visitor = test_keys.verifier.visitor(
        test_keys.visitor_token("session_a", sid="s1", shop="berlin", vip=True)
    )
    assert (visitor.sub, visitor.sid, visitor.shop, visitor.vip) == (
        "session_a",
        "s1",
        "berlin",
        True,
    )
    agent = test_keys.verifier.agent(test_keys.agent_token("ada", role="supervisor"))
    assert (agent.sub, agent.role, agent.max_sessions) == ("ada", "supervisor", 5)


def test_the_forge_makes_good_tokens_when_nothing_is_wrong(forge, test_keys):
    """Canary: without it every forgery below might be refused for a slip of the forge."""
    assert accepted(test_keys.verifier, forge())


def forgeries(forge, test_keys, clock) -> dict[str, str]:
    now = int(clock())
    good = forge()
    head, body, signature = good.split(".")
    stranger = ed25519.Ed25519PrivateKey.generate()
    visitors_key = ed25519.Ed25519PrivateKey.from_private_bytes(unb64(test_keys.visitor[0]))
    public = unb64(test_keys.agent[1])

    def hmac_signed(alg: str, secret: bytes) -> str:
        text = f"{b64(json.dumps({'alg': alg, 'typ': 'JWT'}).encode())}.{body}"
        digest = getattr(hashlib, f"sha{alg[2:]}")
        return f"{text}.{b64(hmac.new(secret, text.encode(), digest).digest())}"

    def with_head(**header: Any) -> str:
        return forge(header={"alg": "EdDSA", "typ": "JWT", **header})

    def raw_head(**header: str) -> str:
        return b64(json.dumps(header).encode())

    claims = {"sub": "ada", "iss": "kefu", "typ": "access", "iat": now, "exp": now + 900}
    full = json.loads(unb64(body))
    empty_list = b64(b"[]")
    made = {
        "alg none": f"{raw_head(alg='none', typ='JWT')}.{body}.",
        "alg None": f"{raw_head(alg='None', typ='JWT')}.{body}.",
        "alg nOnE with signature": f"{raw_head(alg='nOnE', typ='JWT')}.{body}.{signature}",
        "no alg": f"{raw_head(typ='JWT')}.{body}.{signature}",
        "HS256 with the public key": hmac_signed("HS256", public),
        "HS384 with the public key": hmac_signed("HS384", public),
        "HS512 with the public key's text": hmac_signed("HS512", test_keys.agent[1].encode()),
        "HS256 with nothing": hmac_signed("HS256", b""),
        "RS256": jwt.encode(
            full, rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"
        ),
        "ES256": jwt.encode(full, ec.generate_private_key(ec.SECP256R1()), "ES256"),
        "Ed448": jwt.encode(full, ed448.Ed448PrivateKey.generate(), "EdDSA"),
        "another key": forge(signed_by=stranger),
        "the visitors' key": forge(signed_by=visitors_key),
        "no signature": f"{head}.{body}.",
        "zero signature": f"{head}.{body}.{b64(bytes(64))}",
        "short signature": f"{head}.{body}.{b64(unb64(signature)[:63])}",
        "long signature": f"{head}.{body}.{b64(unb64(signature) + b'0')}",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "five parts": f"{good}.a.b",
        "empty": "",
        "dots": "..",
        "padding": f"{head}.{body}.{signature}==",
        "white space": f" {good}",
        "line end": f"{good}\n",
        "foreign characters in the signature": f"{head}.{body}.{signature[:10]}*!{signature[10:]}",
        "foreign characters in the body": f"{head}.{body[:8]}!{body[8:]}.{signature}",
        "standard alphabet": f"{head}.{body}.{signature[:-1]}+",
        "not ascii": f"{head}.{body}.{signature}é",
        "too long": forge({"name": "x" * 5000}),
        "kid": with_head(kid="../../dev/null"),
        "jku": with_head(jku="https://stranger.example/keys"),
        "embedded key": with_head(
            jwk={"kty": "OKP", "crv": "Ed25519", "x": b64(stranger.public_key().public_bytes_raw())}
        ),
        "crit": with_head(crit=["exp"]),
        "b64 false": with_head(b64=False, crit=["b64"]),
        "typ at+jwt": with_head(typ="at+jwt"),
        "cty nested": with_head(cty="JWT"),
        "zip": with_head(zip="DEF"),
        "header is a list": f"{empty_list}.{body}.{signature}",
        "body is a list": _resigned(forge, test_keys, b"[]"),
        "body is no json": _resigned(forge, test_keys, b"{"),
        "no exp": forge(without=("exp",)),
        "no iat": forge(without=("iat",)),
        "no sub": forge(without=("sub",)),
        "no typ": forge(without=("typ",)),
        "no iss": forge(without=("iss",)),
        "no jti": forge(without=("jti",)),
        "no role": forge(without=("role",)),
        "no family": forge(without=("family",)),
        "expired": forge({"exp": now - 1}),
        "expires now": forge({"exp": now}),
        "exp as text": forge({"exp": str(now + 900)}),
        "exp as null": forge({"exp": None}),
        "exp as a list": forge({"exp": [now + 900]}),
        "exp true": forge({"exp": True}),
        "exp infinite": _resigned(forge, test_keys, json.dumps({**full, "exp": 1e999}).encode()),
        "from the future": forge({"iat": now + 3600, "exp": now + 7200}),
        "another issuer": forge({"iss": "elsewhere"}),
        "issuer in a list": forge({"iss": ["kefu"]}),
        "typ refresh": forge({"typ": "refresh"}),
        "typ visitor under the agents' key": forge({"typ": "visitor", "sid": "s"}),
        "role root": forge({"role": "root"}),
        "role in a list": forge({"role": ["admin"]}),
        "sub as a number": forge({"sub": 1}),
        "claims in the clear": b64(json.dumps(claims).encode()),
    }
    for role in ("admin", "supervisor"):
        raised = b64(json.dumps({**full, "role": role}).encode())
        made[f"made {role}"] = f"{head}.{raised}.{signature}"
    return made


def _resigned(forge, test_keys, payload: bytes) -> str:
    head = forge().split(".")[0]
    key = ed25519.Ed25519PrivateKey.from_private_bytes(unb64(test_keys.agent[0]))
    text = f"{head}.{b64(payload)}"
    return f"{text}.{b64(key.sign(text.encode()))}"


def test_no_forgery_is_accepted(forge, test_keys, clock):
    made = forgeries(forge, test_keys, clock)
    assert len(made) >= 40
    verifier = test_keys.verifier
    assert [name for name, token in made.items() if accepted(verifier, token)] == []
    # nor once genuine ones are in the cache
    assert accepted(verifier, forge())
    assert [name for name, token in made.items() if accepted(verifier, token)] == []


def test_no_flipped_bit_is_accepted(test_keys):
    verifier = test_keys.verifier
    source = random.Random(4)
    for token in (test_keys.agent_token(), test_keys.visitor_token("a")):
        assert accepted(verifier, token)
        raw = token.encode()
        for _ in range(1000):
            place, bit = source.randrange(len(raw)), source.randrange(8)
            flipped = bytearray(raw)
            flipped[place] ^= 1 << bit
            assert not accepted(verifier, flipped.decode("latin-1"))


def test_every_spare_bit_of_the_last_character_matters(test_keys):
    """64 bytes are 85.3 characters: a lenient decoder takes 16 texts for one signature."""
    token = test_keys.agent_token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    good = [c for c in alphabet if accepted(test_keys.verifier, token[:-1] + c)]
    assert good == [token[-1]]
    # canary: Python's decoder reads all of these as the one signature
    signature = token.rpartition(".")[2]
    same = [c for c in alphabet if unb64(signature[:-1] + c) == unb64(signature)]
    assert len(same) == 16


def test_visitors_are_forbidden_and_agents_unauthenticated(test_keys, clock):
    verifier = test_keys.verifier
    with pytest.raises(SessionForbidden):
        verifier.visitor("nonsense")
    with pytest.raises(Unauthenticated):
        verifier.agent("nonsense")
    visitor = test_keys.visitor_token("a", lifetime_seconds=10)
    agent = test_keys.agent_token(lifetime_seconds=10)
    verifier.visitor(visitor)
    verifier.agent(agent)
    clock.advance(10)
    # the cache knows both, and lets neither live longer
    with pytest.raises(SessionForbidden):
        verifier.visitor(visitor)
    with pytest.raises(TokenExpired):
        verifier.agent(agent)


def test_a_verifier_takes_several_keys_while_they_rotate(clock):
    (old_private, old), (new_private, new) = generate_key_pair(), generate_key_pair()
    verifier = TokenVerifier(visitor_keys=f"{new}, {old}", agent_keys=new, clock=clock)
    for private in (old_private, new_private):
        token = TokenSigner(private, clock=clock).sign_visitor(name="a", sid="s")
        assert verifier.visitor(token).sub == "a"
    only_new = TokenVerifier(visitor_keys=new, agent_keys=new, clock=clock)
    old_token = TokenSigner(old_private, clock=clock).sign_visitor(name="a", sid="s")
    with pytest.raises(SessionForbidden):
        only_new.visitor(old_token)


def test_the_cache_is_bounded(test_keys, clock):
    verifier = TokenVerifier(
        visitor_keys=test_keys.visitor[1], agent_keys=test_keys.agent[1], clock=clock, cache_size=3
    )
    for number in range(10):
        verifier.visitor(test_keys.visitor_token(f"s{number}"))
    assert len(verifier._visitors._good) == 3


def test_the_public_half_is_found_from_the_private():
    private, public = generate_key_pair()
    assert public_key_of(private) == public
