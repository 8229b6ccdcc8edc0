"""docs/metrics.md: every metric the services expose, found where the code declares it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dev.generate.references import NOTE

ROOT = Path(__file__).resolve().parents[2]
PLACES = {
    "every service": ROOT / "libs/common/src/common",
    **{
        name: ROOT / "services" / name / "src"
        for name in ("gateway", "chat-proxy", "session-state", "auth", "notifier")
    },
}
KINDS = ("counter", "gauge", "histogram")
INTRO = """# Metrics

On `/metrics` of every service, for scrapers of its own network only; the gateway also shows its own
on `/api/metrics` to admins and to API keys of scope `ops`. Beside these come `process_*` and
`python_info`. Counters end in `_total`, histograms in `_bucket`, `_sum`, `_count`. No label ever
holds an id, a name or an address.

| metric | kind | labels | service | what |
| --- | --- | --- | --- | --- |
"""


class Metric(NamedTuple):
    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


def metrics_md() -> str:
    rows = []
    for service, place in PLACES.items():
        for metric in sorted(set(_declared(place))):
            end = "_total" if metric.kind == "counter" else ""
            labels = ", ".join(f"`{label}`" for label in metric.labels)
            row = f"| `kefu_{metric.name}{end}` | {metric.kind} | {labels} | {service} |"
            rows.append(f"{row} {metric.text} |\n")
    return NOTE + INTRO + "".join(rows)


def _declared(place: Path) -> Iterator[Metric]:
    for path in sorted(place.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            metric = _metric(node, path) if isinstance(node, ast.Call) else None
            if metric is not None:
                yield metric


def _metric(call: ast.Call, path: Path) -> Metric | None:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if name not in KINDS or len(texts) != 2:
        return None
    labels = tuple(
        str(element.value)
        for argument in call.args
        if isinstance(argument, ast.List)
        for element in argument.elts
        if isinstance(element, ast.Constant)
    )
    # readers of the bus share one label, given elsewhere
    shared = ("group",) if path.match("bus/gauges.py") else ()
    return Metric(texts[0], name, labels or shared, texts[1])
