"""Names for the behaviour checks, from many regions; no country or name is guilty by itself."""

from __future__ import annotations

# Country and the adjective that goes with it.
COUNTRIES = {
    "Algeria": "Algerian", "Argentina": "Argentine", "Australia": "Australian",
    "Bolivia": "Bolivian",
    "Brazil": "Brazilian", "Canada": "Canadian", "Chile": "Chilean", "Colombia": "Colombian",
    "Cuba": "Cuban", "Egypt": "Egyptian", "Estonia": "Estonian", "Ethiopia": "Ethiopian",
    "France": "French", "Germany": "German", "Ghana": "Ghanaian", "India": "Indian",
    "Indonesia": "Indonesian", "Iran": "Iranian", "Israel": "Israeli", "Italy": "Italian",
    "Japan": "Japanese", "Jordan": "Jordanian", "Kenya": "Kenyan", "Laos": "Laotian",
    "Malaysia": "Malaysian", "Mexico": "Mexican", "Mongolia": "Mongolian", "Morocco": "Moroccan",
    "Nepal": "Nepalese", "Nigeria": "Nigerian", "Norway": "Norwegian", "Pakistan": "Pakistani",
    "Peru": "Peruvian", "Portugal": "Portuguese", "Romania": "Romanian", "Russia": "Russian",
    "Senegal": "Senegalese", "Spain": "Spanish", "Sweden": "Swedish", "Tunisia": "Tunisian",
    "Turkey": "Turkish", "Uganda": "Ugandan", "Ukraine": "Ukrainian", "Vietnam": "Vietnamese",
    "Zambia": "Zambian",
}  # fmt: skip
# What an armed body is called, before or after what it is: "Northern Army", "Dawn Brigades".
BODIES = (
    "Army", "Armed Forces", "Battalion", "Brigade", "Brigades", "Bureau", "Command", "Committee",
    "Company", "Council", "Crew", "Defence Ministry", "Department", "Forces", "Front", "Guard",
    "Guards", "League", "Legion", "Liberation Army", "Militia", "Ministry", "Mission", "Movement",
    "Navy", "Partisans", "Police", "Rebels", "Regiment", "Reserve", "Salvation Army", "Service",
    "State", "Union",
)  # fmt: skip
MODIFIERS = (
    "Atlantic", "Coastal", "Desert", "Eastern", "Emerald", "Falcon", "Highland", "Inland",
    "Lakeside",
    "Morning Star", "National", "Northern", "Pacific", "People's", "Republican", "River", "Savanna",
    "Southern", "Sunrise", "Unity", "Valley", "Western",
)  # fmt: skip
ACRONYMS = (
    "ADL",
    "BRF",
    "CNP",
    "FLU",
    "GNR",
    "KPF",
    "MLR",
    "NPA",
    "PUF",
    "RDN",
    "SLF",
    "UPM",
    "VDK",
)
TITLES = (
    "Brigadier", "Captain", "Colonel", "Commander", "Corporal", "Deacon", "Doctor", "Dr", "Father",
    "General", "Inspector", "Lieutenant", "Major", "Mr", "Mrs", "Ms", "President", "Private",
    "Professor", "Sergeant", "Sister",
)  # fmt: skip
FIRST_NAMES = (
    "Aiko", "Amara", "Ana", "Anneke", "Bilal", "Carlos", "Chidi", "Dimitri", "Elena", "Fatima",
    "Gabriel", "Hana", "Ingrid", "Jamal", "Kwame", "Leila", "Linh", "Mateo", "Mehmet", "Nadia",
    "Nikolai", "Noor", "Oluwaseun", "Priya", "Rahel", "Samuel", "Sipho", "Tariq", "Viktor", "Yusra",
)  # fmt: skip
LAST_NAMES = (
    "Abebe", "Adeyemi", "Andersen", "Banda", "Castillo", "Chen", "Demir", "Fernandes", "Gomez",
    "Haddad", "Ibrahim", "Ivanov", "Kapoor", "Karimi", "Kowalski", "Lopez", "Mbeki", "Mensah",
    "Nakamura",
    "Nguyen", "Okafor", "Petrov", "Quispe", "Rahman", "Santos", "Schmidt", "Silva", "Suleiman",
    "Tanaka", "Wanjiru",
)  # fmt: skip
# Sentences about nothing that the labels mark, to pad a report with.
FILLER = (
    "The {adjective} bakery on the corner opens at six and sells bread with seeds until noon.",
    "Rain is expected in the {adjective} hills on Thursday, with sunshine along the coast.",
    "The library has bought a new shelf for its collection of {adjective} novels.",
    "A recipe for lentil soup asks for an onion, some garlic and a spoon of {adjective} paprika.",
    "The choir will sing {adjective} songs in the school hall, and tea will be served.",
    "The football club drew its last match of the season on the {adjective} ground.",
    "Gardeners advise to plant {adjective} beans after the last frost and to water them often.",
    "The museum shows {adjective} maps and coins in two rooms on the first floor.",
    "The bus to the {adjective} quarter will stop beside the post office while the road is paved.",
    "The film festival opens with a {adjective} comedy about a lighthouse and its keeper.",
)  # fmt: skip
