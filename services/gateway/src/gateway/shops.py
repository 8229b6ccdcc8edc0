"""The shops this installation serves: their origins, look and words; from the setting SHOPS."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

Theme = Literal["auto", "light", "dark"]


def _exact_origin(value: str) -> str:
    parts = urlsplit(value)
    is_origin = parts.scheme in ("http", "https") and parts.netloc and value == origin_of(value)
    # a wildcard, a blank or a quote would mean something in a Content-Security-Policy
    if not is_origin or not re.fullmatch(r"[a-z0-9.:\[\]-]+", parts.netloc):
        raise ValueError("must be an exact origin such as https://shop.example")
    return value


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL as browsers write an origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


Origin = Annotated[str, AfterValidator(_exact_origin)]


class Look(BaseModel):
    """How the launcher and the window look and where they sit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    color: str | None = Field(default=None, pattern=r"^#[0-9A-Fa-f]{6}$")
    position: Literal["left", "right"] = "right"
    offset_x: int = Field(default=20, ge=0, le=500)
    offset_y: int = Field(default=20, ge=0, le=500)
    z_index: int = Field(default=2_147_483_000, ge=0, le=2_147_483_647)
    theme: Theme = "auto"


class Texts(BaseModel):
    """A shop's own words in one language; the widget has its own for what is missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str | None = Field(default=None, max_length=80)
    subtitle: str | None = Field(default=None, max_length=200)
    welcome: str | None = Field(default=None, max_length=1000)
    placeholder: str | None = Field(default=None, max_length=120)
    launcher: str | None = Field(default=None, max_length=80)
    suggestions: list[Annotated[str, Field(max_length=200)]] | None = Field(None, max_length=8)
    privacy_url: str | None = Field(default=None, max_length=500, pattern=r"^(https?://|/)\S*$")


class Shop(BaseModel):
    """One storefront."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    name: str = Field(default="", max_length=80)
    origins: list[Origin] = []
    languages: list[str] = []
    look: Look = Look()
    texts: dict[str, Texts] = {}
    logo_url: str | None = Field(default=None, max_length=500, pattern=r"^(https://|/)\S*$")


DEFAULT = Shop(id="default", name="Fiido")
_LIST = TypeAdapter(list[Shop])


class Shops:
    """All shops; `default` is always there."""

    def __init__(self, shops: list[Shop]) -> None:
        self._by_id = {DEFAULT.id: DEFAULT, **{shop.id: shop for shop in shops}}

    def find(self, shop_id: str | None) -> Shop | None:
        return self._by_id.get(shop_id or DEFAULT.id)

    def of_origin(self, origin: str) -> Shop | None:
        """The shop whose page this is."""
        return next((s for s in self._by_id.values() if origin in s.origins), None)

    def origins(self) -> frozenset[str]:
        return frozenset(o for shop in self._by_id.values() for o in shop.origins)

    def ids(self) -> list[str]:
        return sorted(self._by_id)


def load_shops(setting: str) -> Shops:
    """From JSON, or from the JSON file it names; raises ValueError naming what is wrong."""
    text = setting.strip()
    if not text:
        return Shops([])
    if not text.startswith(("[", "{")):
        text = Path(text).read_text(encoding="utf-8")
    try:
        found: Any = json.loads(text)
        shops = _LIST.validate_python(found if isinstance(found, list) else [found])
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"SHOPS: {where}: {first['msg']}") from None
    if len({shop.id for shop in shops}) != len(shops):
        raise ValueError("SHOPS: two shops have one id")
    return Shops(shops)
