"""`python -m auth` serves on HOST and PORT."""

from common.app import serve

from auth.main import create_app

if __name__ == "__main__":
    serve(create_app)
