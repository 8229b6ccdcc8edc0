"""Who the visitor is: said by himself, or signed by the shop's server."""

import hashlib
import hmac
from typing import Any

import orjson
from common.contracts.sessions import Identify as IdentifyBody
from common.errors import ValidationFailed

from session_state.commands import SIGNED_FIELDS, Identify

_LONGEST_KEY, _LONGEST_VALUE = 64, 500
# the summary holds it, and goes along with every entry of the session to every agent
_MOST_METADATA_BYTES = 4096


def identification(
    body: IdentifyBody, *, session_name: str, shop: str, secrets: dict[str, str]
) -> Identify:
    """The command, trusted where the shop signed it; raises ValidationFailed for a profile that
    would not fit. A signature that is wrong proves nothing, and refuses nothing that needs none."""
    changes = body.profile.model_dump(exclude_none=True)
    for key, value in changes.get("metadata", {}).items():
        if len(key) > _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            raise _too_much(f"at most {_LONGEST_VALUE} characters a value")
    if len(orjson.dumps(changes.get("metadata", {}))) > _MOST_METADATA_BYTES:
        raise _too_much(f"at most {_MOST_METADATA_BYTES} bytes of JSON")
    secret = secrets.get(shop) or secrets.get("*")
    if body.signature is None or secret is None:
        return Identify(changes, trusted=False)
    text = signed_text(session_name, changes)
    return Identify(changes, trusted=_is_good(body.signature, text, secret))


def signed_text(session_name: str, profile: dict[str, Any]) -> bytes:
    """What the shop signs: the name, a dot, and JSON of the signed fields that are sent, keys
    sorted, no spaces."""
    signed = {key: profile[key] for key in SIGNED_FIELDS if key in profile}
    return session_name.encode() + b"." + orjson.dumps(signed, option=orjson.OPT_SORT_KEYS)


def _is_good(signature: str, text: bytes, secret: str) -> bool:
    expected = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


def _too_much(message: str) -> ValidationFailed:
    return ValidationFailed(
        fields=[{"field": "profile.metadata", "rule": "size", "message": message}]
    )
