"""`python -m chat_proxy` runs the service."""

from common.app import serve

from chat_proxy.main import create_app

if __name__ == "__main__":
    serve(create_app)
