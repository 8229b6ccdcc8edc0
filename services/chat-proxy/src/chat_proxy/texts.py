"""What visitors read when the AI can't answer, in every language the shop serves."""

from collections.abc import Mapping

UNAVAILABLE: Mapping[str, str] = {
    "zh": "抱歉，智能客服暂时无法回答。您可以稍后再试，或输入“转人工”，由人工客服为您服务。",
    "en": "Sorry, our assistant can't answer right now. Please try again in a moment, or ask for "
    "a person and we will take over.",
    "de": "Entschuldigung, unser Assistent kann gerade nicht antworten. Bitte versuchen Sie es "
    "gleich noch einmal oder verlangen Sie einen Mitarbeiter, wir übernehmen dann.",
    "fr": "Désolé, notre assistant ne peut pas répondre pour le moment. Réessayez dans un instant "
    "ou demandez à parler à un conseiller, nous prendrons le relais.",
    "es": "Lo sentimos, nuestro asistente no puede responder ahora. Inténtelo de nuevo en un "
    "momento o pida hablar con una persona y le atenderemos.",
    "it": "Ci dispiace, il nostro assistente non può rispondere in questo momento. Riprovi tra "
    "poco o chieda di parlare con una persona e ci penseremo noi.",
    "nl": "Sorry, onze assistent kan nu niet antwoorden. Probeer het zo meteen opnieuw of vraag "
    "om een medewerker, dan nemen wij het over.",
    "pl": "Przepraszamy, nasz asystent nie może teraz odpowiedzieć. Proszę spróbować za chwilę "
    "lub poprosić o rozmowę z konsultantem, a przejmiemy sprawę.",
}

SORRY: Mapping[str, str] = {
    "zh": "抱歉，智能客服暂时无法回答。",
    "en": "Sorry, our assistant can't answer right now.",
    "de": "Entschuldigung, unser Assistent kann gerade nicht antworten.",
    "fr": "Désolé, notre assistant ne peut pas répondre pour le moment.",
    "es": "Lo sentimos, nuestro asistente no puede responder ahora.",
    "it": "Ci dispiace, il nostro assistente non può rispondere in questo momento.",
    "nl": "Sorry, onze assistent kan nu niet antwoorden.",
    "pl": "Przepraszamy, nasz asystent nie może teraz odpowiedzieć.",
}

DECLINED: Mapping[str, str] = {
    "zh": "抱歉，这个问题我无法回答。请换一种说法，或输入“转人工”联系人工客服。",
    "en": "Sorry, I can't answer that. Please put it another way, or ask for a person.",
    "de": "Entschuldigung, das kann ich nicht beantworten. Bitte formulieren Sie es anders oder "
    "verlangen Sie einen Mitarbeiter.",
    "fr": "Désolé, je ne peux pas répondre à cela. Reformulez votre question ou demandez à parler "
    "à un conseiller.",
    "es": "Lo siento, no puedo responder a eso. Formúlelo de otra manera o pida hablar con una "
    "persona.",
    "it": "Mi dispiace, non posso rispondere a questo. Lo dica in altro modo o chieda di parlare "
    "con una persona.",
    "nl": "Sorry, daar kan ik geen antwoord op geven. Formuleer het anders of vraag om een "
    "medewerker.",
    "pl": "Przepraszam, nie mogę na to odpowiedzieć. Proszę zapytać inaczej lub poprosić o "
    "konsultanta.",
}

INTERRUPTED: Mapping[str, str] = {
    "zh": "回答中断了，请再问一次。",
    "en": "The answer was interrupted. Please ask again.",
    "de": "Die Antwort wurde unterbrochen. Bitte fragen Sie noch einmal.",
    "fr": "La réponse a été interrompue. Veuillez poser à nouveau votre question.",
    "es": "La respuesta se interrumpió. Por favor, pregunte de nuevo.",
    "it": "La risposta è stata interrotta. Per favore, chieda di nuovo.",
    "nl": "Het antwoord werd onderbroken. Stel uw vraag alstublieft opnieuw.",
    "pl": "Odpowiedź została przerwana. Proszę zapytać ponownie.",
}


CLEARED: Mapping[str, str] = {
    "zh": "对话已清空，我们重新开始吧。",
    "en": "The conversation has been cleared. Let's start afresh.",
    "de": "Das Gespräch wurde gelöscht. Fangen wir neu an.",
    "fr": "La conversation a été effacée. Repartons à zéro.",
    "es": "La conversación se ha borrado. Empecemos de nuevo.",
    "it": "La conversazione è stata cancellata. Ricominciamo.",
    "nl": "Het gesprek is gewist. Laten we opnieuw beginnen.",
    "pl": "Rozmowa została wyczyszczona. Zacznijmy od nowa.",
}


def in_language(texts: Mapping[str, str], language: str) -> str:
    """The text for a language tag such as `zh-CN`; English where it is not known."""
    return texts.get(language.lower().replace("_", "-").partition("-")[0], texts["en"])
