"""The facts that the contexts of question answering state, and the questions that each fact answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tools.train_demos import words
from tools.train_demos.words import Words


@dataclass(frozen=True, eq=False)
class FactKind:
    """One kind of fact: sentences that state it, and for each slot the questions that the slot's value answers."""

    sentences: tuple[str, ...]
    questions: dict[str, tuple[str, ...]]
    #: a person gets only one fact of a topic, so that no question has two answers; an empty topic means the kind itself
    topic: str = ""


def _number(rng: Random, low: int, high: int) -> str:
    return str(rng.randint(low, high))


#: slot -> a function that makes a value for it. The context fills {person}, since several facts share a person
SLOTS: dict[str, Callable[[Random, Words], str]] = {
    "town": lambda rng, side: side.name(rng, words.TOWNS),
    "job": lambda rng, side: rng.choice(words.JOBS),
    "thing": lambda rng, side: f"{rng.choice(words.COLOURS)} {rng.choice(words.THINGS)}",
    "item": lambda rng, side: rng.choice(words.THINGS),
    "room": lambda rng, side: rng.choice(words.ROOMS),
    "spot": lambda rng, side: rng.choice(words.SPOTS),
    "day": lambda rng, side: rng.choice(words.DAYS),
    "year": lambda rng, side: _number(rng, 1850, 2024),
    "time": lambda rng, side: words.clock_time(rng),
    "event": lambda rng, side: rng.choice(words.EVENTS),
    "animal": lambda rng, side: rng.choice(words.ANIMALS),
    "pet": lambda rng, side: words.made_name(rng),
    "food": lambda rng, side: rng.choice(words.FOODS),
    "sport": lambda rng, side: rng.choice(words.SPORTS),
    "company": lambda rng, side: side.company(rng),
    "age": lambda rng, side: _number(rng, 5, 99),
    "price": lambda rng, side: f"{rng.randint(2, 900)} {rng.choice(('euros', 'dollars', 'pounds'))}",
    "friend": lambda rng, side: side.person(rng)[0],
}

FACTS: tuple[FactKind, ...] = (
    FactKind(
        ("{person} lives in {town}.", "{person} has lived in {town} for many years.", "{person} has a house in {town}.",
         "{person} moved to {town} and now lives there."),
        {"town": ("Where does {person} live?", "In which town does {person} live?", "Which city does {person} live in?",
                  "Where is the home of {person}?"),
         "person": ("Who lives in {town}?", "Who has a home in {town}?")},
    ),
    FactKind(
        ("{person} works as a {job}.", "{person} is a {job}.", "{person} has been a {job} since {year}."),
        {"job": ("What is the job of {person}?", "What does {person} do?", "What does {person} work as?",
                 "What is {person}'s job?", "What is the profession of {person}?"),
         "person": ("Who is a {job}?", "Who works as a {job}?", "Who is the {job}?")},
        topic="work",
    ),
    FactKind(
        ("{person} works as a {job} in {town}.", "{person} is a {job} in {town}.",
         "{person} works in {town} as a {job}."),
        {"job": ("What does {person} do in {town}?", "What is {person}'s job?", "What is the job of {person}?"),
         "town": ("Where does {person} work?", "In which town does {person} work?",
                  "Where does {person} work as a {job}?"),
         "person": ("Who works in {town}?", "Who is a {job}?")},
        topic="work",
    ),
    FactKind(
        ("{person} was born in {town} in {year}.", "{person} was born in {year} in {town}.",
         "In {year}, {person} was born in {town}."),
        {"town": ("Where was {person} born?", "In which city was {person} born?"),
         "year": ("When was {person} born?", "In what year was {person} born?", "In which year was {person} born?"),
         "person": ("Who was born in {town}?", "Who was born in {year}?")},
    ),
    FactKind(
        ("{person} bought a {thing} on {day}.", "On {day}, {person} bought a {thing}.",
         "{person} bought a {thing} for {price} on {day}."),
        {"thing": ("What did {person} buy?", "What did {person} buy on {day}?"),
         "day": ("When did {person} buy the {thing}?", "On which day did {person} buy a {thing}?"),
         "person": ("Who bought a {thing}?", "Who bought the {thing}?", "Who bought something on {day}?")},
    ),
    FactKind(
        ("{person} found a {thing} in the {room}.", "In the {room}, {person} found a {thing}."),
        {"thing": ("What did {person} find in the {room}?", "What was in the {room}?", "What did {person} find?"),
         "room": ("Where did {person} find the {thing}?", "Where was the {thing}?"),
         "person": ("Who found the {thing}?", "Who found a {thing} in the {room}?")},
    ),
    FactKind(
        ("The {item} is {spot}.", "The {item} lies {spot}.", "You will find the {item} {spot}.",
         "{person} put the {item} {spot}.", "{person} hid the {item} {spot}."),
        {"spot": ("Where is the {item}?", "Where can I find the {item}?", "Where does the {item} lie?"),
         "item": ("What is {spot}?", "What lies {spot}?")},
    ),
    FactKind(
        ("The {event} takes place in {town} on {day} at {time}.",
         "The {event} will be held in {town} on {day} at {time}.",
         "The {event} in {town} starts at {time} on {day}."),
        {"town": ("Where does the {event} take place?", "Where is the {event}?", "Where will the {event} be held?"),
         "day": ("On which day is the {event}?", "What day is the {event}?",
                 "On which day does the {event} take place?"),
         "time": ("At what time does the {event} start?", "What time is the {event}?", "At what time is the {event}?"),
         "event": ("What takes place in {town}?", "What will be held in {town}?")},
    ),
    FactKind(
        ("{company} was founded by {person} in {year}.", "In {year}, {person} founded {company}.",
         "{person} founded {company} in {year}."),
        {"person": ("Who founded {company}?", "Who was the founder of {company}?", "By whom was {company} founded?"),
         "year": ("When was {company} founded?", "In what year was {company} founded?",
                  "When did {person} found {company}?"),
         "company": ("What did {person} found?", "What was founded in {year}?", "Which company did {person} found?")},
    ),
    FactKind(
        ("{person} has a {animal} called {pet}.", "The {animal} of {person} is called {pet}.",
         "{person} owns a {animal} named {pet}."),
        {"pet": ("What is the {animal} called?", "What is the name of {person}'s {animal}?",
                 "What is the name of the {animal}?"),
         "animal": ("What animal does {person} have?", "What kind of animal is {pet}?",
                    "Which animal does {person} own?"),
         "person": ("Who has a {animal}?", "Who owns {pet}?", "Who owns the {animal}?")},
    ),
    FactKind(
        ("{person} likes to eat {food}.", "{person} loves {food}.", "The favourite food of {person} is {food}.",
         "{person} eats {food} every {day}."),
        {"food": ("What does {person} like to eat?", "What is the favourite food of {person}?",
        "What does {person} eat?",
                  "What is {person}'s favourite food?"),
         "person": ("Who likes to eat {food}?", "Who loves {food}?", "Who eats {food}?", "Who likes {food}?")},
    ),
    FactKind(
        ("{person} plays {sport} on {day}.", "Every {day}, {person} plays {sport}.",
         "{person} plays {sport} with {friend} on {day}."),
        {"sport": ("What does {person} play?", "What sport does {person} play?",
        "Which game does {person} play on {day}?"),
         "day": ("When does {person} play {sport}?", "On which day does {person} play {sport}?"),
         "person": ("Who plays {sport}?", "Who plays {sport} on {day}?")},
    ),
    FactKind(
        ("{person} is {age} years old.", "{person} is {age} years old and lives with {friend}."),
        {"age": ("How old is {person}?", "What is the age of {person}?"),
         "person": ("Who is {age} years old?", "Who is {age}?")},
    ),
)  # fmt: skip

#: sentences that state no fact
FILLERS = (
    "The weather was fine that week.", "It was raining outside.", "Nobody knew what to say.",
    "That was a long time ago.",
    "Everyone was happy about it.", "The train was late again.", "It was a quiet evening.",
    "Many people came to see it.",
    "The news came as a surprise.", "The street was empty.", "Dinner was ready at last.", "The old bridge is closed.",
    "There was not much to do.", "The summer was very hot.", "This is a true story.", "The birds were singing.",
    "Nothing else happened.", "The shops were full of people.",
)  # fmt: skip
