"""Questions in English."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.questions.question import Question, asked, calculated, following, numbered

EXAMPLES = (
    ("What is the capital of Iceland?", "Reykjavik"),
    ("What is 1 + 1?", "2"),
    ("What is the opposite of near?", "far"),
)
CAPITALS = """France Paris|Japan Tokyo|Germany Berlin|Italy Rome|Spain Madrid|Russia Moscow
China Beijing|India New_Delhi|Canada Ottawa|Australia Canberra|Brazil Brasília=Brasilia
Egypt Cairo|Kenya Nairobi|Peru Lima|Chile Santiago|Argentina Buenos_Aires|Mexico Mexico_City
Cuba Havana|Greece Athens|Turkey Ankara|Iran Tehran|Iraq Baghdad|Poland Warsaw|Austria Vienna
Hungary Budapest|Sweden Stockholm|Norway Oslo|Finland Helsinki|Denmark Copenhagen|Portugal Lisbon
Ireland Dublin|Belgium Brussels|Thailand Bangkok|Vietnam Hanoi|Indonesia Jakarta|Nepal Kathmandu
Morocco Rabat|Nigeria Abuja|Ukraine Kyiv=Kiev|South_Korea Seoul"""

SYMBOLS = """gold Au|silver Ag|iron Fe|oxygen O|hydrogen H|carbon C|nitrogen N|sodium Na
potassium K|calcium Ca|copper Cu|lead Pb|tin Sn|zinc Zn|chlorine Cl|mercury Hg|magnesium Mg
aluminium Al"""

OPPOSITES = """hot cold|tall short|early late|big small=little|fast slow|light dark=heavy|happy sad
up down|open closed=shut=close|wet dry|hard soft=easy|rich poor|young old|strong weak|full empty
high low|left right|push pull|day night|win lose|love hate|inside outside|begin end=finish
loud quiet|sharp dull=blunt|deep shallow|wide narrow|buy sell|true false|cheap expensive"""

PLURALS = """child children|mouse mice|foot feet|tooth teeth|goose geese|man men|woman women
leaf leaves|knife knives|box boxes|city cities|ox oxen|wolf wolves|baby babies"""

YOUNG = """cat kitten|dog puppy=pup|cow calf|horse foal|sheep lamb|hen chick|lion cub|goat kid
kangaroo joey|frog tadpole|swan cygnet|duck duckling"""

PAST = """go went|eat ate|see saw|run ran|buy bought|take took|write wrote|sing sang|swim swam
think thought|teach taught|fly flew"""

COLOURS = """a_ripe_banana yellow|fresh_grass green|snow white|coal black|a_ripe_tomato red
the_clear_sky_at_noon blue|a_ruby red|an_emerald green|milk white"""

UNITS = """minutes_are_in_an_hour 60|seconds_are_in_a_minute 60|hours_are_in_a_day 24
days_are_in_a_week 7|months_are_in_a_year 12|centimetres_are_in_a_metre 100
metres_are_in_a_kilometre 1000|grams_are_in_a_kilogram 1000|inches_are_in_a_foot 12
years_are_in_a_century 100|years_are_in_a_decade 10|legs_does_a_spider_have 8
sides_does_a_triangle_have 3|sides_does_a_hexagon_have 6|letters_are_in_the_English_alphabet 26
eggs_are_in_a_dozen 12"""

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SUMS = {"+": "What is {} + {}?", "-": "What is {} - {}?", "*": "What is {} times {}?"}


def english() -> Iterator[Question]:
    """Capitals, words, symbols, units, the calendar and sums."""
    yield from asked("What is the capital of {}?", "capital", CAPITALS, "en")
    yield from asked("What is the chemical symbol for {}?", "symbol", SYMBOLS, "en")
    yield from asked("What is the opposite of {}?", "opposite", OPPOSITES, "en")
    yield from asked("What is the plural of {}?", "plural", PLURALS, "en")
    yield from asked("What is a baby {} called?", "young", YOUNG, "en")
    yield from asked("What is the past tense of {}?", "past", PAST, "en")
    yield from asked("What colour is {}?", "colour", COLOURS, "en")
    yield from numbered("How many {}?", "unit", UNITS, "en")
    yield from following("Which month comes after {}?", "month", MONTHS, "en")
    yield from following("Which day comes after {}?", "day", DAYS, "en")
    yield from calculated(SUMS, 32, "en")
