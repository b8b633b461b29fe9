"""The words of the training texts, and functions that make up names."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


def between_spaces(text: str) -> list[str]:
    """The words of a text, which spaces separate."""
    return text.split()


def between_commas(text: str) -> list[str]:
    """The terms of a text, which commas separate; a term may contain spaces."""
    return text.split(",")


GIRLS = between_spaces(
    "Anna Clara Maria Sarah Emma Julia Laura Nina Sofia Alice Martha Lucy Helen Diana Irene Olivia Grace Ruth Eva Mia "
    "Lena Paula Rosa Carmen Ingrid Elsa Nora Hanna Vera Zoe Leila Amina Fatima Priya Mei Yuki Chloe Amelia Jane Kate "
    "Mary Susan Linda Karen Nancy Betty Sandra Ashley Emily Carol Rachel Rebecca Sharon Cynthia Angela Anita"
)
BOYS = between_spaces(
    "John Peter Paul Mark David Thomas James Robert Michael Daniel Henry George Edward Oscar Hugo Leo Max Felix Victor "
    "Martin Simon Oliver Jack Samuel Adam Noah Liam Lucas Marco Pablo Carlos Diego Ivan Igor Omar Ali Karim Ravi Arjun "
    "Kenji Hiro Wei Sven Erik Lars Olaf Tom Bob Bill Steve William Richard Charles Joseph Andrew Brian Kevin Jason"
)
SURNAMES = between_spaces(
    "Smith Jones Brown Miller Davis Wilson Taylor Clark Lewis Walker Young King Wright Hill Green Baker Adams Nelson "
    "Carter Mitchell Turner Parker Evans Collins Stewart Morris Rogers Reed Cook Morgan Bell Murphy Bailey Cooper "
    "Richardson Cox Ward Peterson Gray Watson Brooks Kelly Sanders Price Bennett Wood Ross Foster Garcia Lopez Schmidt "
    "Fischer Weber Rossi Ferrari Moreau Dubois Novak Kowalski Ivanov Tanaka Sato Chen Wang Singh Khan Haddad Jensen"
)
TOWNS = between_spaces(
    "London Paris Berlin Madrid Rome Lisbon Vienna Oslo Stockholm Helsinki Copenhagen Dublin Warsaw Prague Budapest "
    "Athens Brussels Amsterdam Zurich Geneva Munich Hamburg Milan Naples Venice Barcelona Seville Porto Moscow "
    "Istanbul "
    "Cairo Nairobi Lagos Accra Tokyo Osaka Kyoto Seoul Beijing Shanghai Delhi Mumbai Bangkok Hanoi Sydney Melbourne "
    "Toronto Montreal Boston Chicago Seattle Denver Dallas Austin Houston Berkeley Oxford Cambridge Bristol Leeds "
    "Glasgow Edinburgh Lima Bogota Santiago Havana Florence Lyon Marseille Salzburg Bergen Gdansk Zagreb Riga"
)
COUNTRIES = between_spaces(
    "France Germany Spain Italy Portugal Austria Norway Sweden Finland Denmark Ireland Poland Hungary Greece Belgium "
    "Switzerland Russia Turkey Egypt Kenya Nigeria Ghana Japan China India Thailand Vietnam Australia Canada Peru "
    "Colombia Chile Cuba Mexico Brazil Argentina Iceland Scotland Wales England Morocco Croatia Latvia Korea"
)
JOBS = between_commas(
    "teacher,nurse,doctor,baker,farmer,pilot,lawyer,engineer,painter,singer,writer,cook,driver,plumber,gardener,"
    "carpenter,dentist,waiter,librarian,journalist,photographer,architect,scientist,musician,actor,dancer,tailor,"
    "mechanic,sailor,judge,poet,biologist,chemist,electrician,butcher,barber,vet,programmer,designer,translator"
)
THINGS = between_commas(
    "bicycle,car,book,lamp,table,chair,guitar,piano,camera,phone,clock,watch,hat,coat,umbrella,basket,bag,boat,kite,"
    "ball,mirror,carpet,vase,painting,ladder,hammer,violin,drum,radio,suitcase,wallet,notebook,map,scarf,tent,bottle,"
    "blanket,pillow,candle,telescope,letter,ring,key,box,cup,knife,puppet,dress,shirt,drone"
)
COLOURS = between_spaces("red blue green yellow black white brown purple orange pink grey golden silver")
ROOMS = between_commas(
    "kitchen,garden,attic,cellar,garage,bedroom,bathroom,office,library,living room,hall,school,market,station,museum,"
    "theatre,hospital,bakery,workshop,park,stable,church,town hall,hotel,harbour,castle,airport,cafe,zoo,stadium"
)
SPOTS = between_commas(
    "under the bed,on the table,in the drawer,behind the door,next to the window,on the shelf,in the box,under the "
    "sofa,"
    "near the stove,in the basket,behind the curtain,on top of the cupboard,in the blue bag,beside the lamp,"
    "under the stairs,in the fridge,on the chair,inside the old trunk"
)
DAYS = between_spaces("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = between_spaces("January February March April May June July August September October November December")
EVENTS = between_commas(
    "concert,meeting,wedding,exam,match,race,party,lecture,exhibition,festival,conference,workshop,film,play,auction,"
    "course,fair,dinner,contest,parade,opera,picnic"
)
ANIMALS = between_commas("dog,cat,horse,parrot,rabbit,hamster,goat,sheep,pony,turtle,canary,donkey,duck,pig")
FOODS = between_commas(
    "pizza,soup,chocolate,pasta,rice,fish,cheese,apples,bread,ice cream,pancakes,salad,strawberries,honey,noodles,"
    "cake,potatoes,tomatoes,mushrooms,oranges,cherries,beans"
)
SPORTS = between_commas(
    "football,tennis,chess,basketball,hockey,golf,volleyball,cricket,rugby,badminton,handball,table tennis,poker,"
    "baseball,darts"
)
LANGUAGES = between_spaces(
    "French German Spanish Italian Portuguese Norwegian Swedish Finnish Polish Hungarian Greek Dutch Russian Turkish "
    "Arabic Swahili Japanese Chinese Hindi Thai Korean Danish Irish Welsh"
)
SUBJECTS = between_spaces(
    "history physics music mathematics biology chemistry law art geography medicine economics drama"
)
COMPANY_WORDS = between_spaces(
    "Northern Silver Global Blue Eagle Delta Apex Sunrise Pacific Summit Orion River Iron Bright Nova Granite Falcon "
    "Crystal Harbor Maple Union Vertex Cedar Atlas Polar Amber"
)
COMPANY_KINDS = between_commas(
    "Airlines,Bank,Motors,Energy,Foods,Systems,Media,Records,Industries,Insurance,Software,Pharma,University,Institute,"
    "Museum,Railways,Telecom,Holdings,Group,Laboratories"
)

_STARTS = between_spaces("b br c cl d dr f fl g gr h j k kl l m n p pr r s st t tr v w z th sh")
_VOWELS = between_spaces("a e i o u a e i o ai ea ei ou")
_ENDS = ["", "", "", "n", "l", "r", "s", "m", "k", "t", "nd", "x"]


def made_name(rng: Random) -> str:
    """A random name of two or three syllables, such as "Brenado"."""
    syllables = rng.choice((2, 2, 2, 3))
    letters = "".join(rng.choice(_STARTS) + rng.choice(_VOWELS) for _ in range(syllables))
    return (letters + rng.choice(_ENDS)).capitalize()


@dataclass(frozen=True)
class Words:
    """One of the two sides of all word lists: training texts and held-out texts share no name of a list."""

    held_out: bool
    #: the share of names that are made up rather than taken from a list
    made: float = 0.15
    #: the share of names that begin like any word and end like a word of their list, such as "Umbdrid". They look like
    #: real names, and a vocabulary knows them as little as held-out names
    blended: float = 0.0

    def pick(self, rng: Random, words: list[str]) -> str:
        """A word of this side of a list; every fifth word of a list is held out."""
        side = words[::5] if self.held_out else [word for index, word in enumerate(words) if index % 5]
        return rng.choice(side)

    def name(self, rng: Random, words: list[str]) -> str:
        """A name of this side of `words`, or a new name."""
        if self.blended and rng.random() < self.blended:
            head = self.pick(rng, rng.choice((words, GIRLS, BOYS, TOWNS, THINGS, FOODS, JOBS)))
            tail = self.pick(rng, words)
            return (head[: rng.randint(1, 4)] + tail[len(tail) // 2 - rng.randint(0, 1) :]).strip().capitalize()
        return made_name(rng) if rng.random() < self.made else self.pick(rng, words)

    def person(self, rng: Random) -> tuple[str, str]:
        """The name of a person, sometimes with a surname, and the pronoun for that person."""
        first, pronoun = rng.choice(((GIRLS, "she"), (BOYS, "he")))
        name = self.name(rng, first)
        if rng.random() < 0.15:
            name = f"{name} {self.name(rng, SURNAMES)}"
        return name, pronoun

    def company(self, rng: Random) -> str:
        """The name of an organisation, such as "Silver Bank"."""
        return f"{self.name(rng, COMPANY_WORDS)} {rng.choice(COMPANY_KINDS)}"


def clock_time(rng: Random) -> str:
    """A time of day in one of several usual spellings."""
    hour = rng.randint(1, 12)
    return rng.choice((f"{hour} o'clock", f"{hour}:{rng.choice(('00', '15', '30', '45'))}", f"half past {hour}"))
