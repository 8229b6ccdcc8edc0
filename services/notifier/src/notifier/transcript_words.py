"""What a transcript says around the conversation, in the languages of the chat window."""

from collections.abc import Mapping
from typing import NamedTuple


class TranscriptWords(NamedTuple):
    brand: str
    headline: str
    intro: str
    zone: str
    cut: str
    outro: str
    user: str
    assistant: str
    agent: str
    system: str


TRANSCRIPTS: Mapping[str, TranscriptWords] = {
    "zh": TranscriptWords(
        brand="Fiido 客服",
        headline="您的聊天记录",
        intro="以下是您与 Fiido 客服的聊天记录。",
        zone="时间均为 {zone} 时间。",
        cut="（更早的消息未列出）",
        outro="这封邮件由 Fiido 客服应您的要求发送。如非本人操作，请忽略。",
        user="您",
        assistant="AI 助手",
        agent="客服",
        system="系统",
    ),
    "en": TranscriptWords(
        brand="Fiido support",
        headline="Your conversation",
        intro="Here is your conversation with Fiido support.",
        zone="All times are {zone} time.",
        cut="(earlier messages are not shown)",
        outro="Fiido support sent this at your request. If it was not you, ignore it.",
        user="You",
        assistant="AI assistant",
        agent="Our team",
        system="Notice",
    ),
    "de": TranscriptWords(
        brand="Fiido-Kundenservice",
        headline="Ihr Gespräch",
        intro="Hier ist Ihr Gespräch mit dem Fiido-Kundenservice.",
        zone="Alle Zeiten in der Zeitzone {zone}.",
        cut="(Frühere Nachrichten sind nicht aufgeführt)",
        outro="Der Fiido-Kundenservice hat dies auf Ihren Wunsch gesendet. Waren Sie das nicht, "
        "können Sie diese E-Mail ignorieren.",
        user="Sie",
        assistant="KI-Assistent",
        agent="Unser Team",
        system="Hinweis",
    ),
    "fr": TranscriptWords(
        brand="Service client Fiido",
        headline="Votre conversation",
        intro="Voici votre conversation avec le service client Fiido.",
        zone="Heures indiquées dans le fuseau {zone}.",
        cut="(les messages précédents ne sont pas affichés)",
        outro="Le service client Fiido vous envoie ceci à votre demande. Si ce n'était pas vous, "
        "ignorez ce message.",
        user="Vous",
        assistant="Assistant IA",
        agent="Notre équipe",
        system="Information",
    ),
    "es": TranscriptWords(
        brand="Atención al cliente de Fiido",
        headline="Su conversación",
        intro="Esta es su conversación con la atención al cliente de Fiido.",
        zone="Las horas corresponden a la zona {zone}.",
        cut="(los mensajes anteriores no se muestran)",
        outro="La atención al cliente de Fiido le envía esto a petición suya. Si no fue usted, "
        "ignore este mensaje.",
        user="Usted",
        assistant="Asistente de IA",
        agent="Nuestro equipo",
        system="Aviso",
    ),
    "it": TranscriptWords(
        brand="Assistenza Fiido",
        headline="La sua conversazione",
        intro="Ecco la sua conversazione con l'assistenza Fiido.",
        zone="Gli orari sono nel fuso {zone}.",
        cut="(i messaggi precedenti non sono riportati)",
        outro="L'assistenza Fiido ha inviato questo messaggio su sua richiesta. Se non è stato "
        "lei, lo ignori.",
        user="Lei",
        assistant="Assistente IA",
        agent="Il nostro team",
        system="Avviso",
    ),
    "nl": TranscriptWords(
        brand="Fiido-klantenservice",
        headline="Uw gesprek",
        intro="Hier is uw gesprek met de klantenservice van Fiido.",
        zone="Alle tijden zijn in tijdzone {zone}.",
        cut="(eerdere berichten worden niet getoond)",
        outro="De klantenservice van Fiido stuurde dit op uw verzoek. Was u dat niet, dan kunt u "
        "deze e-mail negeren.",
        user="U",
        assistant="AI-assistent",
        agent="Ons team",
        system="Melding",
    ),
    "pl": TranscriptWords(
        brand="Obsługa klienta Fiido",
        headline="Twoja rozmowa",
        intro="Oto Twoja rozmowa z obsługą klienta Fiido.",
        zone="Godziny podano w strefie {zone}.",
        cut="(wcześniejszych wiadomości nie pokazano)",
        outro="Obsługa klienta Fiido wysłała to na Twoją prośbę. Jeśli to nie Ty, zignoruj tę "
        "wiadomość.",
        user="Ty",
        assistant="Asystent AI",
        agent="Nasz zespół",
        system="Informacja",
    ),
}


def transcript_language(tag: str) -> str:
    """The one of ours that a language tag means, else English."""
    code = tag[:2].lower()
    return code if code in TRANSCRIPTS else "en"
