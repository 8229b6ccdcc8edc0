"""notifier: tells people who are not looking."""

from functools import partial

from common.app import build_app
from common.settings import load_settings
from fastapi import FastAPI

from notifier.settings import NotifierSettings
from notifier.wiring import wire


def create_app() -> FastAPI:
    settings = load_settings(NotifierSettings)
    return build_app(name="notifier", settings=settings, wire=partial(wire, settings))
