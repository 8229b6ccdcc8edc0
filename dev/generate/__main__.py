"""`python -m dev.generate` writes what is stale; `--check` writes nothing and fails instead."""

import argparse
import json
import sys
from pathlib import Path

from gateway.documents import openapi

from dev.generate import measurements, references, variables

ROOT = Path(__file__).resolve().parents[2]


def openapi_json() -> str:
    return json.dumps(openapi(), indent=1, ensure_ascii=False) + "\n"


DOCUMENTS = {
    "docs/events.md": references.events_md,
    "docs/events.schema.json": references.events_schema,
    "docs/contracts.schema.json": references.contracts_schema,
    "docs/redis.md": references.redis_md,
    "docs/errors.md": references.errors_md,
    "docs/errors.json": references.errors_json,
    "docs/policy.md": references.policy_md,
    "docs/openapi.json": openapi_json,
    "docs/settings.md": variables.settings_md,
    "docs/metrics.md": measurements.metrics_md,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when stale")
    check = parser.parse_args().check
    stale = []
    for name, make in DOCUMENTS.items():
        path, text = ROOT / name, make()
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text)
    if stale:
        print(("stale, run `make gen`: " if check else "written: ") + ", ".join(stale))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
