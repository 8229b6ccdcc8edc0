"""`python -m session_state` runs the service."""

from common.app import serve

from session_state.main import create_app

if __name__ == "__main__":
    serve(create_app)
