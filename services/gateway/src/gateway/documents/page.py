"""The reference as one page: no framework, nothing fetched, searchable; made from the document."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from gateway.documents.openapi import openapi

Json = dict[str, Any]
_REF = "#/components/schemas/"


@cache
def page() -> str:
    """The whole page as HTML."""
    document = openapi()
    parts = {
        "{{style}}": _asset("page.css"),
        "{{script}}": _asset("page.js"),
        "{{intro}}": _prose(document["info"]["description"]),
        "{{menu}}": "".join(_menu(document)),
        "{{endpoints}}": "".join(_groups(document)),
        "{{schemas}}": "".join(_schemas(document)),
    }
    # one pass: what a part holds is never read as a placeholder
    return re.sub(r"\{\{\w+\}\}", lambda m: parts[m.group()], _asset("page.html"))


@cache
def page_policy() -> str:
    """The Content-Security-Policy under which exactly this page's script runs."""
    digest = hashlib.sha256(_asset("page.js").encode()).digest()
    script = base64.b64encode(digest).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _asset(name: str) -> str:
    return (files("gateway.documents") / "assets" / name).read_text(encoding="utf-8")


def _operations(document: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method, path, operation


def _menu(document: Json) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{_text(tag['name'])}</h2><ul>"
        for method, path, operation in _operations(document, tag["name"]):
            yield (
                f'<li data-words="{_words(method, path, operation)}">'
                f'<a href="#{operation["operationId"]}"><b class="{method}">{method}</b> '
                f"{_text(path.removeprefix('/api'))}</a></li>"
            )
        yield "</ul>"


def _groups(document: Json) -> Iterator[str]:
    for tag in document["tags"]:
        yield f'<section class="group"><h2>{_text(tag["name"])}</h2>'
        yield f"<p>{_text(tag['description'])}</p>"
        for method, path, operation in _operations(document, tag["name"]):
            yield from _operation(method, path, operation)
        yield "</section>"


def _operation(method: str, path: str, operation: Json) -> Iterator[str]:
    yield (
        f'<article id="{operation["operationId"]}" data-words="{_words(method, path, operation)}">'
        f'<h3><b class="{method}">{method}</b> <code>{_text(path)}</code></h3>'
        f'<p class="lead">{_text(operation["summary"])}</p>{_prose(operation["description"])}'
    )
    if operation["parameters"]:
        yield "<h4>Parameters</h4><table>"
        for parameter in operation["parameters"]:
            told = _prose_line(parameter.get("description", ""))
            kind = _kind(parameter["schema"])
            yield (
                f"<tr><td><code>{_text(parameter['name'])}</code><td>{parameter['in']}"
                f"<td>{kind}<td>{told}</tr>"
            )
        yield "</table>"
    if "requestBody" in operation:
        body = operation["requestBody"]
        yield "<h4>Body" + ("" if body["required"] else " (may be left out)") + "</h4>"
        yield from _content(body["content"])
    yield "<h4>Answers</h4>"
    for status, found in sorted(operation["responses"].items()):
        answer = _resolved(found)
        is_good = status < "300"
        yield "<details open>" if is_good else "<details>"
        yield f'<summary class="{"good" if is_good else "bad"}">'
        yield f"<b>{status}</b> {_first_line(answer['description'])}</summary>"
        if "\n" in answer["description"] or not is_good:
            yield _prose(answer["description"])
        yield from _content(answer.get("content", {}))
        yield "</details>"
    yield "</article>"


def _resolved(answer: Json) -> Json:
    name = answer.get("$ref", "").rpartition("/")[2]
    shared: Json = openapi()["components"]["responses"]
    found: Json = shared.get(name, answer)
    return found


def _content(content: Json) -> Iterator[str]:
    for media, found in content.items():
        yield f'<p class="media">{media} · {_kind(found["schema"])}</p>'
        if "example" in found:
            example = found["example"]
            text = example if isinstance(example, str) else _pretty(example)
            yield f"<pre>{_text(text)}</pre>"


def _schemas(document: Json) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        words = html.escape(f"{name} {' '.join(schema.get('properties', {}))}".lower(), quote=True)
        yield f'<article id="schema-{name}" data-words="{words}"><h3><code>{name}</code></h3>'
        yield _prose(schema.get("description", "")) + "<table>"
        for field, kind in schema.get("properties", {}).items():
            need = "required" if field in schema.get("required", ()) else ""
            yield f"<tr><td><code>{_text(field)}</code><td>{_kind(kind)}<td>{need}</tr>"
        yield "</table></article>"


def _kind(schema: Json) -> str:
    """A schema in a few words, with links to the models it names."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        return f'<a href="#schema-{name}">{name}</a>'
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            kinds = [_kind(part) for part in schema[key]]
            return (" | " if key != "allOf" else " & ").join(dict.fromkeys(kinds))
    if "enum" in schema:
        return " | ".join(f"<code>{_text(json.dumps(v))}</code>" for v in schema["enum"])
    if "const" in schema:
        return f"<code>{_text(json.dumps(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "properties" in schema:
        fields = (f"{_text(k)}: {_kind(v)}" for k, v in schema["properties"].items())
        return "{ " + ", ".join(fields) + " }"
    bounds = [
        f"{said} {_text(str(schema[key]))}"
        for key, said in (("minimum", "≥"), ("maximum", "≤"), ("maxLength", "at most"))
        if key in schema
    ]
    return " ".join([_text(str(schema.get("type", "any"))), *bounds])


# --- text ----------------------------------------------------------------------------------


def _words(method: str, path: str, operation: Json) -> str:
    failures = (_resolved(a) for s, a in operation["responses"].items() if s >= "300")
    codes = " ".join(answer["description"] for answer in failures)
    codes = " ".join(re.findall(r"`([A-Z_]+)`", codes))
    said = f"{method} {path} {operation['summary']} {operation['tags'][0]} {codes}"
    return html.escape(said.lower(), quote=True)


def _text(text: str) -> str:
    return html.escape(text, quote=False)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _first_line(text: str) -> str:
    codes = re.findall(r"^- `([A-Z_]+)`", text, re.MULTILINE)
    return ", ".join(codes) or _prose_line(text.partition("\n")[0])


def _prose_line(text: str) -> str:
    """Code, bold and emphasis of Markdown."""
    text = _text(text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\*([^*\s][^*]*)\*", r"<em>\1</em>", text)


def _prose(text: str) -> str:
    """Paragraphs, lists and tables of Markdown, as far as our own texts use them."""
    return "".join(_block(block) for block in re.split(r"\n\n+", text.strip()) if block)


def _block(block: str) -> str:
    lines = block.splitlines()
    if lines[0].startswith("|"):
        rows = [line.strip("| ").split(" | ") for line in lines if not line.startswith("| ---")]
        cells = ("".join(f"<td>{_prose_line(c)}" for c in row) for row in rows)
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"
    if lines[0].startswith("- "):
        return "<ul>" + "".join(f"<li>{_prose_line(line[2:])}</li>" for line in lines) + "</ul>"
    return f"<p>{_prose_line(' '.join(lines))}</p>"
