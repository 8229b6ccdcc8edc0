"""`python -m dev.simulator`: the Coze simulator on SIM_HOST:SIM_PORT."""

import sys

import uvloop
from pydantic import ValidationError

from dev.simulator.coze import build
from dev.simulator.server import serve_until_stopped
from dev.simulator.settings import SimulatorSettings


def main() -> int:
    """Serves until a signal ends it; a wrong setting is named and ends it at once."""
    try:
        settings = SimulatorSettings()
        coze = build(settings)
    except ValidationError as error:
        for problem in error.errors():
            name = "SIM_" + "_".join(str(part) for part in problem["loc"]).upper()
            print(f"{name}: {problem['msg']}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"SIM_PUBLIC_KEY_FILE: {error}", file=sys.stderr)
        return 2
    try:
        uvloop.run(serve_until_stopped(coze))
    except OSError as error:
        print(f"SIM_PORT {settings.port}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
