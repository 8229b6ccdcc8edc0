"""What a shop's developer reads: the OpenAPI document and the page made from it."""

from gateway.documents.openapi import openapi
from gateway.documents.page import page, page_policy

__all__ = ["openapi", "page", "page_policy"]
