"""`python -m gateway` runs the service on HOST and PORT."""

from common.app import serve

from gateway.main import create_app

if __name__ == "__main__":
    serve(create_app)
