"""The subjects of reviews, and the words of praise and blame."""

from __future__ import annotations

from tools.train_demos.words import between_spaces

#: the subject of a review -> its parts
SUBJECTS: dict[str, tuple[str, ...]] = {
    "film": ("story", "acting", "ending", "music", "plot", "camera work", "cast", "dialogue"),
    "movie": ("story", "acting", "ending", "soundtrack", "plot", "hero", "cast", "script"),
    "book": ("story", "ending", "plot", "style", "cover", "first chapter", "language", "author"),
    "hotel": ("room", "bed", "breakfast", "staff", "view", "service", "pool", "location"),
    "restaurant": ("food", "service", "waiter", "soup", "dessert", "menu", "wine", "music"),
    "meal": ("soup", "fish", "salad", "meat", "sauce", "dessert", "bread", "taste"),
    "phone": ("screen", "battery", "camera", "sound", "keyboard", "price", "design", "speaker"),
    "laptop": ("screen", "battery", "keyboard", "fan", "sound", "price", "design", "speed"),
    "game": ("story", "graphics", "music", "level design", "sound", "control", "price", "ending"),
    "concert": ("singer", "band", "sound", "light show", "hall", "audience", "choice of songs", "drummer"),
    "play": ("acting", "stage", "ending", "plot", "cast", "dialogue", "first act", "director"),
    "album": ("voice", "sound", "first song", "rhythm", "guitar", "melody", "cover", "text"),
    "course": ("teacher", "material", "room", "homework", "book", "price", "exam", "group"),
    "trip": ("guide", "weather", "food", "bus", "hotel", "view", "price", "company"),
    "flight": ("crew", "seat", "food", "service", "price", "pilot", "cabin", "landing"),
    "car": ("engine", "seat", "brake", "price", "design", "radio", "colour", "speed"),
    "shop": ("staff", "choice", "price", "service", "manager", "music", "owner", "delivery"),
    "museum": ("guide", "exhibition", "cafe", "building", "staff", "garden", "ticket price", "tour"),
    "app": ("design", "speed", "search", "price", "support", "update", "menu", "login"),
    "jacket": ("colour", "material", "price", "quality", "size", "pocket", "zip", "style"),
    "show": ("host", "music", "cast", "story", "humour", "ending", "stage", "audience"),
    "product": ("quality", "price", "design", "packaging", "delivery", "support", "colour", "material"),
}

GOOD = between_spaces(
    "good great excellent wonderful fantastic amazing brilliant superb lovely beautiful perfect delightful charming "
    "enjoyable impressive outstanding marvellous splendid nice pleasant terrific awesome fine fresh funny exciting "
    "interesting clever touching moving friendly helpful comfortable reliable memorable remarkable magnificent solid "
    "fabulous stunning elegant entertaining gripping inspiring fun cool incredible happy gorgeous useful smart "
    "exceptional satisfying likeable first-class"
)
BAD = between_spaces(
    "bad terrible awful horrible dreadful boring dull poor disappointing weak ugly annoying mediocre stupid silly slow "
    "unpleasant unfriendly rude dirty broken useless tedious predictable lousy pathetic miserable disgusting "
    "frustrating confusing ridiculous bland tasteless cheap noisy uncomfortable unreliable forgettable messy clumsy "
    "flat overpriced shallow tiresome lame sad cold painful worthless gross unbearable lifeless depressing nasty "
    "second-rate"
)
#: remarks about the whole subject; {it} is "it" or, for example, "this film"
PRAISE = (
    "I loved {it}", "I really liked {it}", "I enjoyed {it} very much", "I would recommend {it} to everyone",
    "I can only recommend {it}", "{it} made me smile", "{it} is worth every penny", "{it} was a joy", "what a joy",
    "I want to see more of this", "I will come back", "{it} is a masterpiece", "{it} was a pleasure", "well done",
    "we had a great time", "{it} exceeded my expectations", "I am very happy with {it}", "I adore {it}", "thumbs up",
    "{it} deserves five stars", "{it} was worth the money", "I am a big fan of {it}", "we were thrilled",
    "my favourite",
)  # fmt: skip
BLAME = (
    "I hated {it}", "I really disliked {it}", "{it} was a waste of time", "{it} is a waste of money",
    "I want my money back",
    "I would warn everyone about {it}", "stay away from {it}", "{it} made me angry", "{it} is not worth the money",
    "I will never come back", "{it} was a disaster", "{it} was a disappointment", "what a shame", "what a waste",
    "I regret buying {it}", "I fell asleep", "we left early", "{it} let me down", "I am very unhappy with {it}",
    "I can't stand {it}", "thumbs down", "{it} deserves no stars", "{it} was a mess", "we were bored", "avoid {it}",
)  # fmt: skip
INTENSE = ("very", "really", "so", "truly", "extremely", "quite", "absolutely", "simply", "just", "pretty", "totally")
