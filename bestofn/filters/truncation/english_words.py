"""Lists of English words by which a line's last word is judged (see `english_line_end`).

They are closed classes of the grammar: articles, conjunctions, prepositions, auxiliaries, pronouns.
The exceptions are the words with which those end an answer: verbs with a last particle ("log in"),
and names of a single letter ("vitamin A").
"""

from __future__ import annotations


def words_of(text: str) -> frozenset[str]:
    """The words of `text`."""
    return frozenset(text.split())


ALWAYS = words_of(
    "a the and or nor but because than whose although every und oder et ou my your their our "
    "whether unless into onto upon among amongst amid during toward towards despite whereas "
    "including according regarding concerning consisting various numerous"
)
"""Articles, conjunctions and the like, which end no sentence."""

EARLY = words_of(
    "of from between without with for to at as which whom if until very its within against via"
)
"""Words that end a clause only behind a relative word, an infinitive or a wish ("what it is for",
"nothing to worry about", "I want to")."""

LATE = EARLY | words_of(
    "been being that who when where while this these any some such about no is are was were has "
    "have had will would should could can may might must in on by so not "
    "more most those over under after before through"
)
"""Words that end a clause at times ("I don't know when"), but not a long one without a stop."""

FIRST = words_of(
    "The An And But Or If When While This These In On For To With Your My Their Our Its As At From "
    "By Of"
)
"""Words that are no line by themselves."""

AUXILIARY = words_of(
    "is are was were am will can has have had do does did would should could may might must cannot "
    "doesn't isn't aren't wasn't don't weren't hasn't"
)
"""Verbs that want another word."""

PARTICIPLES = words_of("be been")
"""Forms that want a participle or a predicate, but for short answers ("it can be")."""

RELATIVE = words_of(
    "what who whom how where why when which that whatever something someone anything nothing worth "
    "what's who's where's how's that's"
)
"""Words behind which a preposition or an auxiliary may stand at the end."""

COMPARING = words_of("than or as so yes yes, no no,")
"""Words behind which an auxiliary may ("as fast as a car can", "yes, the door is")."""

SUBJECTS = words_of(
    "i you he she it we they that this these those there them both each none so not a an tin free "
    "good ill with yes, no, his her its all my your than"
)
"""Words right before a last auxiliary that complete it: "yes, it is", "a can", "free will"."""

SPEAKERS = words_of("i you he she we they")
"""Subjects of a clause that leaves out its relative word ("the one I was looking for")."""

WISHES = words_of(
    "want wants wanted like love have has need going used able ought hope supposed allowed try "
    "wish to belong belongs listened talked spoken referred afraid me you him her it us them "
    "kind sort rid care heard thought think"
)
"""Words right before a last preposition that may leave it there ("I would like to")."""

PHRASAL = words_of(
    "go come hold move turn turned put keep carry get try hang log logged sign later so live lives "
    "lived pass press let check plug fill bring give drop join it him her them me us going coming "
    "moving early and believe work worked interested involved click switched lights is are"
)
"""Words right before a last "in" or "on" that belong with it."""

GERMAN = words_of("ich du er sie es wir ihr mich dich sich uns euch den dem der das die")
"""Words of a line whose last "an" is German, and complete ("Ich rufe dich morgen an")."""

ROMANCE = words_of("que la el los las il che di se si es por una")
"""Words of a line whose last "no" is Spanish or Italian, and complete ("creo que no")."""

ADJECTIVES = words_of(
    "new given specific particular certain entire empty valid different similar simple small large "
    "big great good bad better long short wide strong weak nice real true false important useful "
    "special common beautiful appropriate corresponding additional existing various numerous "
    "temporary suitable sufficient necessary possible available adequate"
)
"""Adjectives that are no nouns, so that none ends a sentence behind its article."""

INDEFINITE = words_of("nothing something anything someone anyone everything everyone whatever")
"""Words that explain a last preposition, but for where they are the sentence's subject."""

UP = words_of("up due prior next close according back down into as")
"""Words before "to" that show it to be no infinitive's."""

NAMED = words_of("letter vitamin plan option answer grade type hepatitis class")
"""Words whose name may be a single letter, "a" too."""

BEGINNINGS = words_of(
    "Each Every Such That These This Those It There As At During For Since Unless Until Whenever "
    "Because If Though Whether Also Alternatively Automatically Consequently Currently Finally "
    "Furthermore Generally Hence However Instead Likewise Meanwhile Moreover Nevertheless Normally "
    "Note Often Optionally Otherwise Perhaps Sometimes Similarly Then Therefore Thus Typically "
    "Usually Are Can Cannot Could Did Do Does Has Have Is Must Should Was Were Would Check Raise "
    "Raises Return Returns See Set Sets Use Uses"
)
"""Words that begin a sentence, and hardly ever a name or a title: those of closed classes that
titles do not begin with, and verbs of instructions."""
