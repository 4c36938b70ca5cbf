"""The sale that `manage.py sample_data` puts up."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.text import slugify

SELLERS = {
    "Harbour House Clearances": "Whitby",
    "Miriam Okafor": "Bristol",
    "Old Mill Antiques": "Ludlow",
    "The Clock Room": "Bath",
    "Rafael Lindqvist": "Edinburgh",
    "Penrose & Daughters": "Falmouth",
}


@dataclass(frozen=True, slots=True)
class SampleLot:
    title: str
    opening_price: int
    closes_in: timedelta
    description: str

    @property
    def picture(self) -> str:
        return slugify(self.title)


@dataclass(frozen=True, slots=True)
class SampleUser:
    """Somebody to bid as; the password is for trying the house out, and known to everybody."""

    username: str
    password: str
    is_staff: bool = False


USERS = (
    SampleUser("ada", "first-programmer", is_staff=True),
    SampleUser("grace", "first-compiler"),
)
# What the staff among them may do, as Django names permissions.
STAFF_MAY = (
    "add_lot",
    "change_lot",
    "delete_lot",
    "view_lot",
    "add_seller",
    "change_seller",
    "delete_seller",
    "view_seller",
    "view_bid",
)


def _lot(title: str, opening_price: int, description: str, **closes_in: int) -> SampleLot:
    return SampleLot(title, opening_price, timedelta(**closes_in), description)


# The first one stays open longest: it is the one that the documentation bids on.
LOTS = (
    _lot("Ship's chronometer, 1891", 450, "Two-day movement in a brass-bound box.", days=30),
    _lot("Walnut writing slope", 85, "Secret drawer, original inkwell, no key.", minutes=10),
    _lot("Set of six ladderback chairs", 220, "Ash with rush seats; one reseated.", minutes=30),
    _lot("Longcase clock by Barwise", 900, "Eight-day, mahogany case, runs well.", hours=2),
    _lot("Botanical prints, ferns", 40, "Twelve hand-coloured plates, unframed.", hours=5),
    _lot("Brass sextant", 310, "Silvered scale, in its fitted case.", hours=8),
    _lot("Welsh love spoon", 60, "Carved sycamore, ball in cage, about 1860.", hours=12),
    _lot("Enamel kitchen scales", 25, "Cream and green, five weights.", hours=18),
    _lot("Leather club chair", 340, "Worn in all the right places.", days=1),
    _lot("Ordnance Survey maps, 1920s", 30, "Thirty-one sheets on linen.", days=1, hours=6),
    _lot("Silver vesta case", 75, "Birmingham 1904, engraved with a terrier.", days=2),
    _lot("Studio pottery bowl", 120, "Tenmoku glaze, impressed seal.", days=2, hours=3),
    _lot("Cast iron garden bench", 180, "Fern pattern, repainted.", days=2, hours=9),
    _lot("Theodolite by Cooke", 260, "Complete with tripod and plumb bob.", days=3),
    _lot("Persian runner", 400, "Three metres, even wear, natural dyes.", days=3, hours=4),
    _lot("Model pond yacht", 95, "Planked hull, cotton sails, on a stand.", days=3, hours=10),
    _lot("Opera glasses", 45, "Mother-of-pearl, with a velvet bag.", days=4),
    _lot("Printer's tray and type", 70, "Caslon italic, nearly a full fount.", days=4, hours=5),
    _lot("Apothecary drawers", 520, "Forty drawers, gilt labels.", days=5),
    _lot("Telescope, three draw", 140, "Clear optics, leather worn.", days=5, hours=6),
    _lot("Quilt, Durham wholecloth", 190, "Feather pattern on sateen.", days=6),
    _lot("Copper jelly moulds", 65, "Five, re-tinned, castles and a hare.", days=6, hours=8),
    _lot("Barograph", 280, "Seven-day drum, with charts and ink.", days=7),
    _lot("Folding campaign desk", 610, "Teak, brass corners, 1870s.", days=8),
    _lot("Stuffed pike", 110, "Bow-front case: Taken at Ely, 1911.", days=9),
    _lot("Pair of brass candlesticks", 55, "Beehive pattern, push-ups working.", days=10),
    _lot("Microscope by Watson", 230, "Three objectives, slides of diatoms.", days=11),
    _lot("Fisherman's gansey", 80, "Filey pattern, hand-knitted, unworn.", days=12),
    _lot("Rocking horse", 350, "Dapple grey, safety stand, new mane.", days=13),
    _lot("First day of the tramway", 35, "Framed photograph, crowd of hats.", days=14),
)
