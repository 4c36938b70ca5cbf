"""Ask the Channels worker to close every lot whose time is up; made for cron."""

from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand

from auctions.announcements import send_to_worker
from auctions.models import Lot


class Command(BaseCommand):
    help = "Ask the Channels worker to close the lots whose time is up."

    def handle(self, *args, **options) -> None:
        lots = list(Lot.objects.due().values_list("pk", flat=True))
        async_to_sync(send_to_worker)(lots)
        self.stdout.write(f"Asked the worker to close {len(lots)} lots.")
