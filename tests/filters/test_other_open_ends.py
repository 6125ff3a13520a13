"""Tests that a last word which ends no sentence of its language is an open end."""

from __future__ import annotations

import pytest

from bestofn.filters.truncation.filter import TruncationFilter
from tests.support.filter_checking import reason, rejection

FILTER = TruncationFilter()


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("Das Haus ist nicht weit von der", "der"),
        ("La pluie écrit sur la vitre\nDes lettres que nul ne lit\nEt chaque goutte est un", "un"),
        ("— Tu viens ?\n— Non, je reste.\n— Pourquoi ?\n— Parce qu'il", "qu'il"),
        ("1. Lava las verduras.\n2. Tritura todo con el aceite, la sal y el", "el"),
        ("O Brasil é o maior país da América do", "do"),
        ("Cosa portare:\n\n* acqua e qualche snack\n* una mappa della", "della"),
        ("De trein is niet op tijd omdat", "omdat"),
        ("Stockholm är Sveriges huvudstad och ligger vid vattnet och", "och"),
        ("- tani w utrzymaniu\n- zdrowy dla serca i", "i"),
        ("Praha je hlavní město, ale není jediné město v", "v"),
        ("Байкал — самое глубокое озеро в", "в"),
        ("Київ стоїть на березі Дніпра та", "та"),
        ("Bucureștiul nu este departe de munte și", "și"),
        ("Η Κρήτη είναι το μεγαλύτερο νησί από", "από"),
        ("İstanbul Boğazı çok güzel ve sakin bir yerdir ve", "ve"),
        ("Phở là món ăn nổi tiếng của Việt Nam và", "và"),
        ("Rumah itu tidak jauh dari sekolah dan", "dan"),
        ("هذا البيت هو الأقدم مع حديقة كبيرة على", "على"),
        ("تهران پایتخت ایران است و در", "در"),
        ("תל אביב היא עיר על חוף הים של", "של"),
        ("दिल्ली भारत की राजधानी है और", "और"),
        ("東京は日本の首都であり、多くの人を", "多くの人を"),
    ],
)
def test_a_word_that_begins_a_phrase_ends_no_text(text: str, end: str) -> None:
    found = rejection(FILTER, text)
    assert found is not None
    assert found.reason == "open_end"
    assert not found.certain
    assert repr(end) in found.detail


@pytest.mark.parametrize(
    "text",
    [
        # The same letters are a word that ends sentences in another language.
        "It is as much as I do",
        "Nobody at the station wants to die",
        "So did the old con",
        "Creo que la respuesta es no",
        # particles of verbs and pronouns
        "Ich rufe dich am Abend an",
        "Schalte das Licht im Bad ein",
        "Jag tycker om det och har det på",
        "Chciałbym wam wszystkim dzisiaj pomóc i wy im",
        "Πού είναι το σπίτι της",
        "این خانه مال من",
        # slogans and letters
        "すべての人に笑顔を",
        "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z",
    ],
)
def test_words_that_end_sentences_somewhere_are_left(text: str) -> None:
    assert rejection(FILTER, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "मुझे कल की छुट्टी चाहिए। कृपया",
        "هل جاء أحمد؟ نعم جاء أحمد مع صديقه؟ لكن",
        "میں گھر پر ہوں۔ کل میں بازار",
    ],
)
def test_a_sentence_behind_a_stop_of_any_script_has_to_end(text: str) -> None:
    assert reason(FILTER, text) in ("no_sentence_end", "open_end")
