"""The loader as one shop's page gets it: the shop's look stands in it, so nothing is asked for.

    //# allFunctionsCalledOnLoad
    {const FIIDO_KEFU_SHOP={"shop":"berlin","position":"left"};
    …the built loader…
    }

The first line has Chromium compile all functions off the page's main thread; it counts only there.
A block's constant: the page gets no global of it, and two shops' lines on one page do not meet.
"""

import gzip
import json
from dataclasses import replace
from functools import partial
from typing import Any

import brotli  # type: ignore[import-untyped]

from gateway.shops import Shop, Shops, Texts
from gateway.webroot import Found, WebRoot, etag_of, wished_encodings

# without the hour: two gateways must give the same bytes one ETag
_PACK = {"br": brotli.compress, "gzip": partial(gzip.compress, mtime=0)}


class ShopWeb:
    """The built web; a shop's loader is made when first asked for, and kept until the built one
    changes."""

    def __init__(self, web: WebRoot, shops: Shops) -> None:
        self._web = web
        self._shops = shops
        # shop and encoding → the ETag of the built loader, the shop's own
        self._kept: dict[tuple[str, str | None], tuple[str, Found]] = {}

    @property
    def is_built(self) -> bool:
        return self._web.is_built

    def find(self, path: str, accept_encoding: str, *, shop_id: str) -> Found | None:
        """The file a request means, or None. An unknown shop's loader is no file: no button is
        drawn that would open nothing, and the page's console names the address."""
        found = self._web.find(path, accept_encoding)
        if found is None or not found.is_loader or not shop_id:
            return found
        shop, built = self._shops.find(shop_id), self._web.find(path, "")
        if shop is None or built is None:
            return None
        encoding = next((e for e in wished_encodings(accept_encoding) if e in _PACK), None)
        known = self._kept.get((shop.id, encoding))
        if known is not None and known[0] == built.etag:
            return known[1]
        made = _with_look(built, shop, encoding)
        self._kept[shop.id, encoding] = (built.etag, made)
        return made


def _with_look(built: Found, shop: Shop, encoding: str | None) -> Found:
    look = _script_json(drawn(shop)).encode()
    body = b"//# allFunctionsCalledOnLoad\n{const FIIDO_KEFU_SHOP=%b;\n%b\n}" % (look, built.body)
    if encoding is not None:
        body = _PACK[encoding](body)
    return replace(built, body=body, encoding=encoding, etag=etag_of(body))


def drawn(shop: Shop) -> dict[str, Any]:
    """What the loader draws before anybody acts, by the names of its options; what it does by
    itself is left out."""
    look = shop.look.model_dump(exclude_defaults=True)
    offset = {axis: look[f"offset_{axis}"] for axis in "xy" if f"offset_{axis}" in look}
    labels = {code: texts.launcher for code, texts in shop.texts.items() if _has_label(code, texts)}
    found = {
        "shop": shop.id,
        "color": look.get("color"),
        "theme": look.get("theme"),
        "position": look.get("position"),
        "offset": offset,
        "zIndex": look.get("z_index"),
        "languages": shop.languages,
        "labels": labels,
    }
    return {name: value for name, value in found.items() if value not in (None, {}, [])}


def _has_label(code: str, texts: Texts) -> bool:
    # the loader knows languages by two letters, and a script may hold no `__proto__`
    return bool(texts.launcher) and len(code) == 2 and code.isalpha()


def _script_json(value: dict[str, Any]) -> str:
    """JSON that is safe in a script, and in a page that holds the script: ASCII only, which
    leaves no line separator, and nothing that begins a tag."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
