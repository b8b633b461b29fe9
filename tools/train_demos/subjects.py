"""Sentences on ten everyday subjects, for training embeddings.

A slot such as {food} is filled with a word of the subject's list "food"; {person}, {town} and {day} with a name.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.train_demos.words import between_commas


@dataclass(frozen=True)
class Subject:
    """One subject: sentences with slots, and the words for each slot."""

    sentences: tuple[str, ...]
    words: dict[str, tuple[str, ...]]


def _list(text: str) -> tuple[str, ...]:
    return tuple(between_commas(text))


SUBJECTS: dict[str, Subject] = {
    "weather": Subject(
        ("It will be {how} in {town} on {day}.", "There was {what} all night.", "The forecast speaks of {what}.",
         "{person} says that it is {how} outside.", "We expect {what} in the {part}.", "What a {how} morning.",
         "{what} and {what} are coming from the west.", "It is getting {how} in the {part}.",
         "The sky over {town} is {how}.",
         "After the {what} it became {how}.", "The temperature falls and brings {what}.", "Is it {how} today?"),
        {"how": _list("sunny,rainy,cloudy,windy,foggy,stormy,snowy,icy,humid,freezing,chilly,warm,mild,misty,clear"),
         "what": _list("rain,snow,fog,hail,thunder,lightning,wind,frost,sunshine,storms,showers,drizzle,clouds,sleet"),
         "part": _list("north,south,mountains,valley,coast,afternoon,evening,winter,spring,autumn")},
    ),
    "cooking": Subject(
        ("{person} {verb} the {food} in a {pot}.", "Add some {spice} to the {food}.",
         "The recipe needs {food} and {spice}.",
         "{verb} the {food} for ten minutes.", "Put the {food} into the {pot}.", "The {food} tastes of {spice}.",
         "{person} serves {food} with {food} for dinner.", "A little {spice} makes the {food} better.",
         "First {verb} the {food}, then add {spice}.", "The {pot} is too small for the {food}.",
         "Who {verb} the {food}?",
         "For lunch there is {food} with {spice}."),
        {"food": _list("soup,rice,potatoes,onions,chicken,pasta,tomatoes,carrots,beans,dough,fish,mushrooms,sauce,stew,"
                       "eggs"),
         "spice": _list("salt,pepper,garlic,butter,oil,parsley,basil,vinegar,sugar,lemon juice,cinnamon,curry"),
         "verb": _list("boil,fry,bake,stir,chop,roast,peel,grill,slice,steam"),
         "pot": _list("pan,pot,oven,bowl,wok,saucepan,microwave,dish")},
    ),
    "sport": Subject(
        ("{team} won the {game} by two {points}.", "The {player} scored {points} in the {game}.",
         "{person} trains for the {game}.",
         "The {player} was hurt in the {game}.", "The fans cheered for the {player}.",
         "The {coach} praised the {player}.",
         "{town} lost the {sport} {game}.", "In {sport}, the {player} is the best.",
         "The {sport} {game} ended in a draw.",
         "{person} plays {sport} for {town}.", "The {coach} of the {sport} team was angry.",
         "Our {player} got a medal in {sport}."),
        {"sport": _list("football,tennis,basketball,hockey,rugby,volleyball,swimming,boxing,cricket,athletics,skiing"),
         "game": _list("match,final,cup,race,championship,tournament,league,marathon,semifinal"),
         "player": _list("goalkeeper,striker,runner,captain,defender,champion,swimmer,sprinter,athlete"),
         "coach": _list("coach,trainer,referee,manager,umpire"), "points": _list("goals,points,sets,tries,medals"),
         "team": _list("the home team,the visitors,the reds,the young team,the national team")},
    ),
    "travel": Subject(
        ("{person} booked a {trip} to {town}.", "The {vehicle} to {town} leaves from {place}.",
         "Our {trip} to {town} starts on {day}.",
         "The {luggage} is at the {place}.", "{person} lost the {luggage} at the {place}.",
         "We took the {vehicle} to {town}.",
         "The {vehicle} was late at the {place}.", "Do not forget your {luggage} for the {trip}.",
         "The {trip} by {vehicle} was long.",
         "Tourists with {luggage} wait at the {place}.", "A {trip} along the coast of {town}.",
         "The {place} in {town} was full of tourists."),
        {"trip": _list("trip,holiday,journey,cruise,flight,tour,excursion,vacation"),
         "vehicle": _list("train,ferry,plane,bus,ship,coach,taxi,night train"),
         "luggage": _list("passport,suitcase,ticket,backpack,luggage,visa,boarding pass,map"),
         "place": _list("airport,station,harbour,hotel,hostel,terminal,platform,border,youth hostel")},
    ),
    "music": Subject(
        ("{person} plays the {instrument} in a {group}.", "The {group} played a {piece}.",
         "The {instrument} was out of tune.",
         "We heard a {piece} for {instrument} and {instrument}.", "The {singer} sang a {piece}.",
         "{person} wrote a {piece} for {instrument}.",
         "The {singer} and the {group} are on the stage.", "The {piece} has a beautiful {sound}.",
         "I love the {sound} of the {instrument}.",
         "The {group} from {town} recorded a {piece}.", "Learn to play the {instrument}.",
         "The {sound} of this {piece} is famous."),
        {"instrument": _list("guitar,piano,violin,flute,drums,trumpet,cello,saxophone,harp,organ,clarinet,banjo"),
         "group": _list("band,orchestra,choir,quartet,trio,jazz band,rock band"),
         "piece": _list("song,symphony,melody,ballad,sonata,waltz,concerto,tune,hymn,album"),
         "singer": _list("singer,soprano,tenor,rapper,conductor,composer,pianist"),
         "sound": _list("rhythm,melody,sound,chorus,harmony,beat,tone")},
    ),
    "money": Subject(
        ("The {bank} raised the {rate}.", "{person} pays {money} to the {bank}.", "The {rate} rose by two percent.",
         "{person} took out a {loan} at the {bank}.", "The {money} is in the {account}.",
         "She invests her {money} in {stock}.",
         "The price of {stock} fell on {day}.", "The {loan} must be paid back to the {bank}.",
         "Put your {money} into an {account}.",
         "The {bank} in {town} lost {money}.", "{stock} and {stock} became expensive.",
         "How high is the {rate} of the {loan}?"),
        {"bank": _list("bank,insurance,stock exchange,treasury,tax office,central bank,broker"),
         "rate": _list("interest rate,tax,fee,exchange rate,inflation,profit,debt"),
         "money": _list("money,cash,savings,salary,dollars,euros,income,pension"),
         "loan": _list("loan,mortgage,credit,overdraft"), "stock": _list("shares,bonds,stocks,gold,funds,securities"),
         "account": _list("account,savings account,investment fund,safe")},
    ),
    "health": Subject(
        ("{person} has a {illness}.", "The {doctor} gave {person} a {cure}.", "Take the {cure} against the {illness}.",
         "The {doctor} treats a {illness} with a {cure}.", "{person} went to the {clinic} with a {illness}.",
         "My {body} hurts.",
         "The {doctor} looked at the {body}.", "The {clinic} in {town} needs another {doctor}.",
         "A {illness} can weaken the {body}.",
         "The {cure} helped against the pain in the {body}.", "The patient in the {clinic} got a {cure}.",
         "Ask your {doctor} about the {illness}."),
        {"illness": _list("fever,cough,headache,flu,infection,toothache,broken bone,allergy,stomach ache,virus,wound"),
         "doctor": _list("doctor,nurse,surgeon,dentist,physician,specialist,therapist"),
         "cure": _list("pill,vaccine,medicine,bandage,operation,injection,drug,therapy"),
         "body": _list("heart,knee,stomach,back,shoulder,lungs,throat,skin,blood pressure"),
         "clinic": _list("hospital,clinic,emergency room,surgery,pharmacy,ward")},
    ),
    "school": Subject(
        ("The {teacher} explains {subject} to the {pupil}.", "{person} passed the {exam} in {subject}.",
         "The {pupil} forgot the {work}.",
         "The {exam} in {subject} is on {day}.", "The {pupil} learns {subject}.",
         "The {teacher} gave a bad grade in the {exam}.",
         "Our {teacher} writes on the {board}.", "The {work} for {subject} was difficult.",
         "{person} studies {subject} in {town}.",
         "The {pupil} asks the {teacher} about the {work}.", "Open your {board} at page ten.",
         "Every {pupil} must hand in the {work}."),
        {"teacher": _list("teacher,professor,headmaster,lecturer,tutor"),
        "pupil": _list("pupil,student,class,schoolboy,schoolgirl,first grader"),
         "subject": _list("mathematics,physics,history,grammar,biology,chemistry,geography,spelling,algebra"),
         "exam": _list("exam,test,quiz,final exam,dictation"),
         "work": _list("homework,essay,lesson,exercise,project,timetable"),
         "board": _list("blackboard,textbook,notebook,exercise book,workbook")},
    ),
    "animals": Subject(
        ("The {pet} sleeps in the {home}.", "The {wild} lives in the {land}.", "{person} feeds the {pet} every day.",
         "A {wild} hunts a {pet} in the {land}.", "The {pet} has soft {fur}.", "The {wild} has strong {fur}.",
         "The {pet} ran out of the {home}.",
         "In the {land} we saw a {wild} and a {wild}.", "{person} bought a {pet} in {town}.",
         "The {home} of the {pet} is dirty.",
         "The {fur} of the {wild} is grey.", "A young {wild} follows its mother through the {land}."),
        {"pet": _list("dog,cat,rabbit,hamster,parrot,pony,goat,sheep,cow,hen,duck,donkey"),
         "wild": _list("lion,tiger,wolf,bear,elephant,fox,eagle,deer,crocodile,zebra,monkey,snake"),
         "home": _list("stable,cage,basket,barn,kennel,nest,pasture"),
         "land": _list("forest,jungle,savanna,desert,swamp,zoo,wilderness"),
         "fur": _list("fur,paws,claws,feathers,wings,teeth,ears")},
    ),
    "computers": Subject(
        ("The {program} does not work on my {device}.", "{person} installed a {program} on the {device}.",
         "The {device} needs a new {part}.",
         "There is a {bug} in the {program}.", "{person} wrote a {program} in {town}.",
         "The {part} of the {device} is broken.",
         "Save the file before the {program} closes.", "The {program} found a {bug}.",
         "Restart the {device} after the update.",
         "The {bug} made the {device} slow.", "Click on the {program} to open the file.",
         "A {device} without {part} is useless."),
        {"program": _list("program,app,browser,database,website,operating system,text editor,search engine,software"),
         "device": _list("computer,laptop,server,tablet,smartphone,router,printer,workstation"),
         "part": _list("keyboard,screen,hard disk,processor,memory chip,mouse,cable,graphics card"),
         "bug": _list("bug,virus,crash,password leak,error,syntax error,security hole")},
    ),
}  # fmt: skip
#: sentences that fit every subject; {a} and {b} are any words of the subject
FRAMES = (
    "{a}.", "{a} and {b}.", "What about the {a}?", "The {a} and the {b}.", "{person} spoke of {a}.",
    "It has to do with {a}.",
    "We read about {a} and {b}.", "Not only {a}, but also {b}.", "{person} asks about {b} every day.",
    "First {a}, then {b}.",
    "This is about {a}.", "I like {a} better than {b}.",
)  # fmt: skip
