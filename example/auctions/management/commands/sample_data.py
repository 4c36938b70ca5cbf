"""Put up the sample sale; run again, it only adds what is missing."""

from itertools import cycle

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from auctions.models import Lot, Seller
from auctions.sample import LOTS, SELLERS


class Command(BaseCommand):
    help = "Create the sample sellers and lots that are not there yet."

    @transaction.atomic
    def handle(self, *args, **options) -> None:
        sellers = [
            Seller.objects.get_or_create(name=name, defaults={"town": town})[0]
            for name, town in SELLERS.items()
        ]
        added = 0
        for sample, seller in zip(LOTS, cycle(sellers), strict=False):
            _, created = Lot.objects.get_or_create(
                title=sample.title,
                seller=seller,
                defaults={
                    "description": sample.description,
                    "opening_price": sample.opening_price,
                    "closes_at": timezone.now() + sample.closes_in,
                },
            )
            added += created
        self.stdout.write(f"{added} lots added, {len(LOTS) - added} were there already.")
