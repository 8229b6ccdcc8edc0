"""`python -m notifier` serves health and metrics on HOST and PORT, and sends mail."""

from common.app import serve

from notifier.main import create_app

if __name__ == "__main__":
    serve(create_app)
