"""Who the visitor is: said by himself, or signed by the shop's server."""

import hashlib
import hmac
from typing import Any

import orjson
from common.contracts.sessions import Identify as IdentifyBody
from common.errors import ValidationFailed

from session_state.commands import Identify
from session_state.upkeep import SIGNED_FIELDS

_LONGEST_KEY, _LONGEST_VALUE = 64, 500
# the summary holds it, and goes along with every entry of the session to every agent
_MOST_METADATA_BYTES = 4096


def identification(
    body: IdentifyBody, *, session_name: str, shop: str, secrets: dict[str, str]
) -> Identify:
    """The command; raises ValidationFailed for a signature that is wrong and for a profile that
    would not fit."""
    changes = body.profile.model_dump(exclude_none=True)
    for key, value in changes.get("metadata", {}).items():
        if len(key) > _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            raise _wrong("profile.metadata", f"at most {_LONGEST_VALUE} characters a value")
    if len(orjson.dumps(changes.get("metadata", {}))) > _MOST_METADATA_BYTES:
        raise _wrong("profile.metadata", f"at most {_MOST_METADATA_BYTES} bytes of JSON")
    if body.signature is None:
        return Identify(changes, trusted=False)
    secret = secrets.get(shop) or secrets.get("*")
    if secret is None or not _is_good(body.signature, signed_text(session_name, changes), secret):
        raise _wrong("signature", "does not fit the profile")
    return Identify(changes, trusted=True)


def signed_text(session_name: str, profile: dict[str, Any]) -> bytes:
    """What the shop signs: the name, a dot, and JSON of the signed fields that are sent, keys
    sorted, no spaces."""
    signed = {key: profile[key] for key in SIGNED_FIELDS if key in profile}
    return session_name.encode() + b"." + orjson.dumps(signed, option=orjson.OPT_SORT_KEYS)


def _is_good(signature: str, text: bytes, secret: str) -> bool:
    expected = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


def _wrong(field: str, message: str) -> ValidationFailed:
    return ValidationFailed(fields=[{"field": field, "rule": "signature", "message": message}])
