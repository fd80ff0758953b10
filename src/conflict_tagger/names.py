"""Names from many regions to swap for others; no country or name is guilty by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """What a name may become.

    Attributes:
        countries: countries, each with its adjective.
        modifiers: what goes before a kind of armed body.
        acronyms: of parties and groups.
        first_names: of people.
        last_names: of people.
        towns: invented towns and villages.
    """

    countries: Mapping[str, str]
    modifiers: tuple[str, ...]
    acronyms: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    towns: tuple[str, ...] = ()


# What an armed body is called, before or after what it is: "Northern Army", "Dawn Brigades".
BODIES = (
    "Army", "Armed Forces", "Battalion", "Brigade", "Brigades", "Bureau", "Command", "Committee",
    "Company", "Council", "Crew", "Defence Ministry", "Department", "Forces", "Front", "Guard",
    "Guards", "League", "Legion", "Liberation Army", "Militia", "Ministry", "Mission", "Movement",
    "Navy", "Partisans", "Police", "Rebels", "Regiment", "Reserve", "Salvation Army", "Service",
    "State", "Union",
)  # fmt: skip
TITLES = (
    "Brigadier", "Captain", "Colonel", "Commander", "Corporal", "Deacon", "Doctor", "Dr", "Father",
    "General", "Inspector", "Lieutenant", "Major", "Mr", "Mrs", "Ms", "President", "Private",
    "Professor", "Sergeant", "Sister",
)  # fmt: skip
# What the behaviour checks swap in. None of it stands in TRAINING, so a check asks for names that
# training did not swap in.
CHECKS = Names(
    countries={
        "Algeria": "Algerian", "Argentina": "Argentine", "Australia": "Australian",
        "Bolivia": "Bolivian", "Brazil": "Brazilian", "Canada": "Canadian", "Chile": "Chilean",
        "Colombia": "Colombian", "Cuba": "Cuban", "Egypt": "Egyptian", "Estonia": "Estonian",
        "Ethiopia": "Ethiopian", "France": "French", "Germany": "German", "Ghana": "Ghanaian",
        "India": "Indian", "Indonesia": "Indonesian", "Iran": "Iranian", "Israel": "Israeli",
        "Italy": "Italian", "Japan": "Japanese", "Jordan": "Jordanian", "Kenya": "Kenyan",
        "Laos": "Laotian", "Malaysia": "Malaysian", "Mexico": "Mexican",
        "Mongolia": "Mongolian", "Morocco": "Moroccan", "Nepal": "Nepalese",
        "Nigeria": "Nigerian", "Norway": "Norwegian", "Pakistan": "Pakistani",
        "Peru": "Peruvian", "Portugal": "Portuguese", "Romania": "Romanian",
        "Russia": "Russian", "Senegal": "Senegalese", "Spain": "Spanish", "Sweden": "Swedish",
        "Tunisia": "Tunisian", "Turkey": "Turkish", "Uganda": "Ugandan", "Ukraine": "Ukrainian",
        "Vietnam": "Vietnamese", "Zambia": "Zambian",
    },
    modifiers=(
        "Atlantic", "Coastal", "Desert", "Eastern", "Emerald", "Falcon", "Highland", "Inland",
        "Lakeside", "Morning Star", "National", "Northern", "Pacific", "People's", "Republican",
        "River", "Savanna", "Southern", "Sunrise", "Unity", "Valley", "Western",
    ),
    acronyms=(
        "ADL", "BRF", "CNP", "FLU", "GNR", "KPF", "MLR", "NPA", "PUF", "RDN", "SLF", "UPM",
        "VDK",
    ),
    first_names=(
        "Aiko", "Amara", "Ana", "Anneke", "Bilal", "Carlos", "Chidi", "Dimitri", "Elena",
        "Fatima", "Gabriel", "Hana", "Ingrid", "Jamal", "Kwame", "Leila", "Linh", "Mateo",
        "Mehmet", "Nadia", "Nikolai", "Noor", "Oluwaseun", "Priya", "Rahel", "Samuel", "Sipho",
        "Tariq", "Viktor", "Yusra",
    ),
    last_names=(
        "Abebe", "Adeyemi", "Andersen", "Banda", "Castillo", "Chen", "Demir", "Fernandes",
        "Gomez", "Haddad", "Ibrahim", "Ivanov", "Kapoor", "Karimi", "Kowalski", "Lopez",
        "Mbeki", "Mensah", "Nakamura", "Nguyen", "Okafor", "Petrov", "Quispe", "Rahman",
        "Santos", "Schmidt", "Silva", "Suleiman", "Tanaka", "Wanjiru",
    ),
)  # fmt: skip
TRAINING = Names(
    countries={
        "Afghanistan": "Afghan", "Angola": "Angolan", "Armenia": "Armenian",
        "Austria": "Austrian", "Azerbaijan": "Azerbaijani", "Bangladesh": "Bangladeshi",
        "Belgium": "Belgian", "Bulgaria": "Bulgarian", "Burundi": "Burundian",
        "Cambodia": "Cambodian", "Cameroon": "Cameroonian", "Chad": "Chadian",
        "China": "Chinese", "Croatia": "Croatian", "Denmark": "Danish", "Ecuador": "Ecuadorian",
        "Eritrea": "Eritrean", "Finland": "Finnish", "Georgia": "Georgian", "Greece": "Greek",
        "Guatemala": "Guatemalan", "Haiti": "Haitian", "Hungary": "Hungarian", "Iraq": "Iraqi",
        "Ireland": "Irish", "Kazakhstan": "Kazakh", "Kuwait": "Kuwaiti", "Lebanon": "Lebanese",
        "Liberia": "Liberian", "Libya": "Libyan", "Mali": "Malian", "Moldova": "Moldovan",
        "Mozambique": "Mozambican", "Namibia": "Namibian", "Nicaragua": "Nicaraguan",
        "Niger": "Nigerien", "Panama": "Panamanian", "Paraguay": "Paraguayan",
        "Poland": "Polish", "Rwanda": "Rwandan", "Serbia": "Serbian", "Somalia": "Somali",
        "Sri Lanka": "Sri Lankan", "Sudan": "Sudanese", "Syria": "Syrian",
        "Tajikistan": "Tajik", "Tanzania": "Tanzanian", "Thailand": "Thai",
        "Uruguay": "Uruguayan", "Uzbekistan": "Uzbek", "Venezuela": "Venezuelan",
        "Yemen": "Yemeni", "Zimbabwe": "Zimbabwean",
    },
    modifiers=(
        "Alpine", "Autumn", "Black", "Border", "Central", "Crescent", "Delta", "Democratic",
        "Dragon", "Eagle", "Federal", "First", "Forest", "Frontier", "Golden", "Homeland",
        "Interior", "Iron", "Island", "Lion", "Mountain", "New", "North-Eastern", "Patriotic",
        "Popular", "Provincial", "Red", "Revolutionary", "Royal", "Second", "Shield", "Special",
        "State", "Steppe", "Storm", "Third", "United", "Victory", "Volunteer", "White",
    ),
    acronyms=(
        "AFC", "ARB", "BLA", "CDU", "DFM", "EPR", "FAR", "FPL", "GLF", "HRK", "JVL", "KLM",
        "LNA", "MNU", "NDF", "OPB", "PKR", "RSU", "SDB", "TRF", "UDA", "VLF", "WPA", "YRG",
        "ZNF",
    ),
    first_names=(
        "Abdul", "Agnes", "Ahmed", "Alexei", "Andre", "Arjun", "Beatriz", "Boris", "Camila",
        "Daniel", "Dawit", "Deborah", "Emeka", "Emre", "Esther", "Farah", "Fernando", "Grace",
        "Hamid", "Hassan", "Helena", "Ibrahima", "Irina", "Isabel", "Ivan", "Javier", "John",
        "Joseph", "Karim", "Khadija", "Lucia", "Mahmoud", "Maria", "Marko", "Ming", "Mohammed",
        "Musa", "Natalia", "Omar", "Pablo", "Peter", "Rania", "Ravi", "Rosa", "Ruth", "Salim",
        "Sara", "Sergei", "Sofia", "Tomas", "Uma", "Wei", "Yusuf", "Zainab",
    ),
    last_names=(
        "Acosta", "Ahmadi", "Bakr", "Barzani", "Bello", "Bishara", "Cardoso", "Cruz", "Dang",
        "Diallo", "Dlamini", "Duarte", "Dube", "Eriksen", "Farouk", "Flores", "Gebre",
        "Georgiou", "Gonzalez", "Gupta", "Hakimi", "Hernandez", "Hoxha", "Hussein", "Ismail",
        "Jovanovic", "Kamara", "Khalil", "Khan", "Kim", "Kovac", "Lim", "Malik", "Mansour",
        "Martinez", "Mazur", "Mohamud", "Morales", "Mutua", "Novak", "Nunez", "Odhiambo",
        "Osman", "Park", "Popescu", "Ramirez", "Rao", "Reyes", "Saleh", "Sharma", "Sidorov",
        "Singh", "Tesfaye", "Toure", "Usman", "Vargas", "Wolf", "Yilmaz", "Zhang", "Zulu",
    ),
    towns=(
        "Abrenda", "Al-Harsa", "Amboro", "Antsika", "Bardel", "Bekoma", "Bir Zalta", "Calmera",
        "Chakvari", "Dar Lisan", "Dombrava", "El Tesoral", "Fangala", "Gorvani", "Hattar",
        "Ibendo", "Jalkot", "Kandevi", "Kesh Bala", "Kurjak", "Las Palomitas", "Lomvu",
        "Maghreda", "Mirzan", "Nakhodar", "Ndoro", "Novo Selce", "Oruba", "Petrinja Gora",
        "Phan Lai", "Qasr Leith", "Rio Manso", "Sabhan", "San Telmo", "Shamrukh", "Sonhat",
        "Tal Roumi", "Tikoro", "Umm Darra", "Velika Luka", "Wadi Sinn", "Xalapán", "Yarvik",
        "Zerdali",
    ),
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
