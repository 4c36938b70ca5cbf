"""Put up the sample sale and let two people in; run again, it only adds what is missing."""

from itertools import cycle

from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from auctions.models import Lot, Seller
from auctions.sample import LOTS, SELLERS, STAFF_MAY, USERS, SampleUser


class Command(BaseCommand):
    help = (
        "Create the sample sellers and lots that are not there yet and, while the site is the "
        "demo (without its own SECRET_KEY), two users whose passwords everybody knows."
    )

    @transaction.atomic
    def handle(self, *args, **options) -> None:
        added = _add_lots()
        self.stdout.write(f"{added} lots added, {len(LOTS) - added} were there already.")
        for sample in USERS if settings.IS_DEMO else ():
            if _has_sample_password(sample):
                admin = ", who may also open /admin/" if sample.is_staff else ""
                self.stdout.write(f"Sign in as {sample.username} / {sample.password}{admin}")


def _add_lots() -> int:
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
                "picture": sample.picture,
                "opening_price": sample.opening_price,
                "closes_at": timezone.now() + sample.closes_in,
            },
        )
        added += created
    return added


def _has_sample_password(sample: SampleUser) -> bool:
    user = User.objects.filter(username=sample.username).first()
    if user:
        return user.check_password(sample.password)
    user = User.objects.create_user(
        sample.username, password=sample.password, is_staff=sample.is_staff
    )
    if sample.is_staff:
        may = Permission.objects.filter(content_type__app_label="auctions", codename__in=STAFF_MAY)
        user.user_permissions.set(may)
    return True
