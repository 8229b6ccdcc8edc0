"""`python -m dev.runner [run | backup | restore FOLDER | test-mail | admin-reset]`."""

import argparse
import os
import sys
from pathlib import Path

from dev.runner import console, errands
from dev.runner.backup import BackupRefusedError
from dev.runner.choices import WrongConfigurationError
from dev.runner.guard import AlreadyRunningError
from dev.runner.plan import ROOT


def main(arguments: list[str] | None = None) -> int:
    """Without a command the product runs until Ctrl-C."""
    told = _parser().parse_args(arguments)
    data_dir = Path(told.data).resolve()
    env = dict(os.environ)
    try:
        match told.command:
            case "backup":
                return errands.back_up(data_dir, env)
            case "restore":
                return errands.restore(data_dir, env, Path(told.folder))
            case "test-mail":
                return errands.test_mail(data_dir, env)
            case "admin-reset":
                names = ["--username", told.username] if told.username else []
                return errands.admin_reset(data_dir, env, names)
            case _:
                return console.run(data_dir=data_dir, env=env, told_replicas=told.replicas)
    except WrongConfigurationError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    except (BackupRefusedError, AlreadyRunningError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dev.runner", description=__doc__)
    parser.add_argument(
        "--data",
        default=os.environ.get("KEFU_DATA", str(ROOT / ".data")),
        help="where data, keys and logs are kept (default .data)",
    )
    parser.add_argument(
        "--replicas",
        default=os.environ.get("REPLICAS", ""),
        help="`2` for two of every service, or `gateway:2,session-state:2`",
    )
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="run the product (the default)")
    commands.add_parser("backup", help="copy the data safely into .data/backups")
    restore = commands.add_parser("restore", help="put a backup in the place of the data")
    restore.add_argument("folder")
    commands.add_parser("test-mail", help="send one mail with the present settings")
    reset = commands.add_parser("admin-reset", help="set a new password for the admin")
    reset.add_argument("--username", default="")
    return parser


if __name__ == "__main__":
    sys.exit(main())
