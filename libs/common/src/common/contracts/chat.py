"""chat-proxy's contract: the core chat endpoints, whose shapes are frozen."""

from typing import Any

from pydantic import Field

from common.contracts.common import Language, Lenient, MessageText, OpaqueId, SessionName


class ChatRequest(Lenient):
    """Unknown fields are passed over: storefronts of the old contract send some."""

    message: MessageText
    user_id: SessionName | None = None
    conversation_id: str | None = Field(default=None, max_length=128)
    parameters: dict[str, Any] | None = None
    client_message_id: OpaqueId | None = None
    language: Language | None = None


class ConversationNew(Lenient):
    session_id: SessionName | None = None
    language: Language | None = None


class ConversationCreate(Lenient):
    user_id: SessionName | None = None
    language: Language | None = None
