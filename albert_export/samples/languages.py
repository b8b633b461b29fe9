"""The languages of the bundled corpora."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """A language that the package has a corpus of."""

    #: BCP 47 tag, which is also the name of the corpus
    tag: str
    #: in English
    name: str
    #: the tokens of the declaration of human rights with a vocabulary that was trained on it in all languages alike, as
    #: tools/udhr_corpora.py counts them: what the same text takes in this language, compared with the others
    tokens: int
    #: a question about the subject that `{}` stands for
    question: str


ENGLISH = Language("en", "English", 2009, "What is said of {}?")

#: all languages, English first
LANGUAGES = (
    ENGLISH,
    Language("ar", "Arabic", 2163, "ماذا يقال عن {}؟"),
    Language("bn", "Bengali", 2990, "{} সম্পর্কে কী বলা হয়েছে?"),
    Language("cs", "Czech", 2154, "Co se říká o {}?"),
    Language("de", "German", 2223, "Was wird über {} gesagt?"),
    Language("el", "Greek", 3079, "Τι λέγεται για {};"),
    Language("es", "Spanish", 2176, "¿Qué se dice de {}?"),
    Language("fa", "Persian", 2558, "درباره {} چه گفته شده است؟"),
    Language("fi", "Finnish", 2090, "Mitä sanotaan: {}?"),
    Language("fr", "French", 2374, "Que dit-on de {} ?"),
    Language("gu", "Gujarati", 3304, "{} વિશે શું કહેવામાં આવ્યું છે?"),
    Language("hi", "Hindi", 3347, "{} के बारे में क्या कहा गया है?"),
    Language("hu", "Hungarian", 2240, "Mit mondanak erről: {}?"),
    Language("id", "Indonesian", 2609, "Apa yang dikatakan tentang {}?"),
    Language("it", "Italian", 2306, "Che cosa si dice di {}?"),
    Language("ja", "Japanese", 1864, "{}について何が述べられていますか。"),
    Language("kn", "Kannada", 3551, "{} ಬಗ್ಗೆ ಏನು ಹೇಳಲಾಗಿದೆ?"),
    Language("ko", "Korean", 2553, "{}에 대해 무엇이라고 합니까?"),
    Language("ml", "Malayalam", 3362, "{} എന്നതിനെക്കുറിച്ച് എന്താണ് പറയുന്നത്?"),
    Language("mr", "Marathi", 3372, "{} बद्दल काय म्हटले आहे?"),
    Language("nl", "Dutch", 2462, "Wat wordt er gezegd over {}?"),
    Language("pa", "Punjabi", 4529, "{} ਬਾਰੇ ਕੀ ਕਿਹਾ ਗਿਆ ਹੈ?"),
    Language("pl", "Polish", 2240, "Co mówi się o {}?"),
    Language("pt", "Portuguese", 2044, "O que se diz de {}?"),
    Language("ru", "Russian", 2674, "Что говорится о {}?"),
    Language("sv", "Swedish", 2073, "Vad sägs om {}?"),
    Language("ta", "Tamil", 3459, "{} பற்றி என்ன கூறப்பட்டுள்ளது?"),
    Language("te", "Telugu", 3193, "{} గురించి ఏమి చెప్పబడింది?"),
    Language("th", "Thai", 3343, "มีการกล่าวถึง{}ว่าอย่างไร"),
    Language("tr", "Turkish", 2066, "{} hakkında ne söyleniyor?"),
    Language("uk", "Ukrainian", 2597, "Що говориться про {}?"),
    Language("ur", "Urdu", 2843, "{} کے بارے میں کیا کہا گیا ہے؟"),
    Language("vi", "Vietnamese", 2742, "Người ta nói gì về {}?"),
    Language("zh", "Chinese", 1238, "关于{}说了什么?"),
    Language("zh-Hant", "traditional Chinese", 1182, "關於{}說了什麼?"),
)
