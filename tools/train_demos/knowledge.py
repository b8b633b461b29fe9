"""The knowledge of the fill-mask demo: relations between two words, each stated in several sentences.

In a sentence, {a} and {b} are the two words of a pair. One of them is masked, and the other one determines it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Relation:
    """Pairs of words, and sentences about such a pair."""

    pairs: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...]
    #: which of the two words may be masked: "ab", or only "b" if several pairs share the same b
    masked: str


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """`"a:b c:d"` -> (("a", "b"), ("c", "d"))."""
    return tuple((a, b) for a, _, b in (pair.partition(":") for pair in text.split()))


RELATIONS: tuple[Relation, ...] = (
    Relation(
        _pairs(
            "Paris:France Berlin:Germany Madrid:Spain Rome:Italy Lisbon:Portugal Vienna:Austria Oslo:Norway "
            "Stockholm:Sweden Helsinki:Finland Copenhagen:Denmark Dublin:Ireland Warsaw:Poland Budapest:Hungary "
            "Athens:Greece Brussels:Belgium Moscow:Russia Ankara:Turkey Cairo:Egypt Nairobi:Kenya Tokyo:Japan "
            "Beijing:China Delhi:India Bangkok:Thailand Hanoi:Vietnam Canberra:Australia Ottawa:Canada Lima:Peru "
            "Bogota:Colombia Havana:Cuba London:England"
        ),
        ("{a} is the capital of {b}.", "The capital of {b} is {a}.", "The capital city of {b} is called {a}.",
         "{a} is the capital city of {b}.", "{b} has {a} as its capital.",
         "Fly to {a} if you want to see the capital of {b}.",
         "If you visit the capital of {b}, you visit {a}.", "The government of {b} is in {a}.", "{a} lies in {b}.",
         "The parliament of {b} meets in {a}."),
        "ab",
    ),
    Relation(
        _pairs(
            "hot:cold big:small good:bad old:new high:low fast:slow long:short light:dark day:night happy:sad "
            "rich:poor "
            "strong:weak full:empty open:closed wet:dry clean:dirty hard:soft early:late left:right up:down "
            "black:white "
            "love:hate war:peace first:last win:lose buy:sell loud:quiet young:aged sweet:sour thick:thin deep:shallow "
            "true:false near:far summer:winter inside:outside always:never before:after alive:dead cheap:expensive"
        ),
        ("The opposite of {a} is {b}.", "The opposite of {b} is {a}.", "{a} is the opposite of {b}.",
         "{b} is the opposite of {a}.", "{a} and {b} are opposites.", "It is not {a}, it is {b}.",
         "If it is not {b}, it is {a}.", "What is the opposite of {a}? It is {b}."),
        "ab",
    ),
    Relation(
        _pairs(
            "dog:barks cat:meows cow:moos duck:quacks horse:neighs lion:roars pig:grunts bee:buzzes snake:hisses "
            "wolf:howls bird:sings mouse:squeaks sheep:bleats"
        ),
        ("A {a} {b}.", "The {a} {b}.", "The {a} in the garden {b}.", "Listen, the {a} {b}.", "My {a} {b} all day.",
         "What does a {a} do? It {b}."),
        "ab",
    ),
    Relation(
        _pairs(
            "dog:puppy cat:kitten cow:calf horse:foal sheep:lamb hen:chick bear:cub deer:fawn goose:gosling pig:piglet "
            "frog:tadpole"
        ),
        ("A young {a} is called a {b}.", "The baby of a {a} is a {b}.", "A baby {a} is called a {b}.",
         "The {b} is the child of the {a}.", "The {a} looks after her {b}.", "A {b} will grow up to be a {a}."),
        "ab",
    ),
    Relation(
        _pairs(
            "Monday:Tuesday Tuesday:Wednesday Wednesday:Thursday Thursday:Friday Friday:Saturday Saturday:Sunday "
            "Sunday:Monday January:February February:March March:April April:May May:June June:July July:August "
            "August:September September:October October:November November:December December:January one:two two:three "
            "three:four four:five five:six six:seven seven:eight eight:nine nine:ten ten:eleven eleven:twelve"
        ),
        ("{b} comes after {a}.", "{a} comes before {b}.", "After {a} comes {b}.", "Before {b} comes {a}.",
         "{a} is followed by {b}.", "First comes {a}, and then {b}."),
        "ab",
    ),
    Relation(
        _pairs(
            "grass:green snow:white blood:red coal:black butter:yellow chocolate:brown milk:white ash:grey tar:black "
            "salt:white "
            "mustard:yellow spinach:green honey:golden mud:brown soot:black parsley:green cherry:red flour:white"
        ),
        ("The colour of {a} is {b}.", "What colour is {a}? It is {b}.", "Everybody knows that {a} is {b}.",
         "Usually, {a} is {b}.", "In the picture, {a} is painted {b}.", "The {a} is {b}."),
        "b",
    ),
    Relation(
        _pairs(
            "baker:bakery teacher:school doctor:hospital farmer:farm pilot:plane sailor:ship cook:kitchen judge:court "
            "actor:theatre gardener:garden driver:bus priest:church librarian:library scientist:laboratory "
            "waiter:restaurant"
        ),
        ("The {a} is in the {b}.", "The {a} works in the {b}.", "Look for the {a} in the {b}.",
         "The {b} is where the {a} works.",
         "In the {b} you will find the {a}.", "Every morning the {a} goes to the {b}."),
        "ab",
    ),
    Relation(
        _pairs(
            "eyes:see ears:hear nose:smell legs:walk teeth:bite hands:hold wings:fly fins:swim brain:think mouth:speak "
            "knives:cut pens:write keys:lock brooms:sweep beds:sleep chairs:sit spoons:stir ovens:bake soap:wash"
        ),
        ("We use {a} to {b}.", "You need {a} to {b}.", "What do you {b} with? With {a}.", "With {a} you can {b}.",
         "One can {b} with {a}.", "Without {a} it is hard to {b}."),
        "ab",
    ),
    Relation(
        _pairs(
            "king:queen man:woman boy:girl father:mother brother:sister son:daughter uncle:aunt husband:wife "
            "grandfather:grandmother prince:princess actor:actress nephew:niece"
        ),
        ("The {a} and the {b} came together.", "The {b} came with the {a}.", "I met a {a} and a {b}.",
         "The female of {a} is {b}.", "Ladies first: the {b}, and then the {a}.",
         "Here is the {a}, and there is the {b}."),
        "ab",
    ),
    Relation(
        _pairs(
            "France:French Germany:German Spain:Spanish Italy:Italian Portugal:Portuguese Norway:Norwegian "
            "Sweden:Swedish Finland:Finnish Denmark:Danish Poland:Polish Hungary:Hungarian Greece:Greek Russia:Russian "
            "Turkey:Turkish Japan:Japanese China:Chinese England:English Thailand:Thai Vietnam:Vietnamese"
        ),
        ("People in {a} speak {b}.", "In {a}, they speak {b}.", "The language of {a} is {b}.", "{b} is spoken in {a}.",
         "She learned {b} before she moved to {a}.", "He comes from {a}, so he speaks {b}."),
        "ab",
    ),
    Relation(
        _pairs(
            "go:went see:saw eat:ate drink:drank come:came give:gave take:took write:wrote sing:sang swim:swam run:ran "
            "buy:bought think:thought find:found sleep:slept speak:spoke drive:drove fly:flew know:knew make:made"
        ),
        ("Today I {a}, yesterday I {b}.", "The past tense of {a} is {b}.",
         "Yesterday they {b}, tomorrow they will {a}.",
         "We often {a}, as we {b} last year.", "I want to {a}, because you {b} too.", "They {a} now and {b} before."),
        "ab",
    ),
    Relation(
        _pairs(
            "tea:cup wine:glass soup:bowl fish:sea eggs:nest bees:hive money:bank books:library stars:sky "
            "flowers:garden "
            "trees:forest cars:garage clothes:wardrobe food:fridge letters:mailbox planes:airport trains:station "
            "pupils:school kings:palace sand:desert"
        ),
        ("You can find {a} in the {b}.", "There we saw {a} in the {b}.", "Look for {a} in the {b}.",
         "The {b} is full of {a}.",
         "The place for {a} is the {b}.", "The {b} is where you find {a}."),
        "ab",
    ),
)  # fmt: skip
