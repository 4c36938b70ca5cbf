"""Sellers, the lots they put up, and the bids on them."""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

PENNY = MinValueValidator(Decimal("0.01"))


class Seller(models.Model):
    name = models.CharField(max_length=80, unique=True)
    town = models.CharField(max_length=80)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class LotQuerySet(models.QuerySet):
    def due(self) -> "LotQuerySet":
        """Select the lots whose time is up and that nobody has closed yet."""
        return self.filter(status=Lot.Status.OPEN, closes_at__lte=timezone.now())

    def listed(self) -> "LotQuerySet":
        """Select what a list shows, in one query: seller, best bid and bidder come along."""
        return self.select_related("seller", "best_bid__bidder")


class Lot(models.Model):
    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="lots")
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    # The stem of a file in static/auctions/pictures; empty for the picture of any lot.
    picture = models.CharField(max_length=120, blank=True)
    opening_price = models.DecimalField(max_digits=10, decimal_places=2, validators=[PENNY])
    closes_at = models.DateTimeField()
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)

    # What the bids come to, kept here so that a list of lots needs no query over all bids.
    # auctions.services writes them, with the lot's row locked; nothing else should.
    current_price = models.DecimalField(max_digits=10, decimal_places=2, editable=False)
    last_sequence = models.PositiveIntegerField(default=0, editable=False)
    best_bid = models.OneToOneField(
        "Bid", on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    objects = LotQuerySet.as_manager()

    class Meta:
        ordering = ["closes_at", "pk"]
        indexes = [models.Index(fields=["status", "closes_at"], name="lot_status_closes_at")]
        constraints = [
            models.CheckConstraint(
                condition=Q(current_price__gte=F("opening_price")),
                name="lot_price_not_below_opening",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args, **kwargs) -> None:
        if self.best_bid_id is None:
            self.current_price = self.opening_price
        super().save(*args, **kwargs)

    @property
    def is_due(self) -> bool:
        return self.status == self.Status.OPEN and self.closes_at <= timezone.now()

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN and not self.is_due

    @property
    def state(self) -> str:
        """What to show: a lot whose time is up takes no bid, closed by the worker or not."""
        return (self.Status.OPEN if self.is_open else self.Status.CLOSED).value


class BidQuerySet(models.QuerySet):
    def with_bidder(self) -> "BidQuerySet":
        """Fetch the bidders in the same query."""
        return self.select_related("bidder")


class Bid(models.Model):
    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="bids")
    # 1, 2, 3 … within the lot, without holes, in the order the bids were accepted. A listener
    # that has had number 7 and hears of 9 knows that it must fetch 8 first.
    sequence = models.PositiveIntegerField()
    bidder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bids"
    )
    amount = models.DecimalField(max_digits=10, decimal_places=2, validators=[PENNY])
    created = models.DateTimeField(default=timezone.now)
    # The client makes it, so that a bid it sends again, not knowing what became of the first
    # time, is still one bid.
    key = models.UUIDField(null=True, blank=True, editable=False)

    objects = BidQuerySet.as_manager()

    # True on what place_bid returns for a key that it had seen.
    is_repeat = False

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["lot", "sequence"], name="bid_sequence_once_a_lot"),
            models.UniqueConstraint(fields=["lot", "amount"], name="bid_amount_once_a_lot"),
            models.UniqueConstraint(fields=["bidder", "key"], name="bid_key_once_a_bidder"),
        ]

    def __str__(self) -> str:
        return f"{self.bidder}: {self.amount}"
