"""Lots and sellers to edit, bids to look at."""

from django.contrib import admin

from auctions.models import Bid, Lot, Seller


@admin.register(Seller)
class SellerAdmin(admin.ModelAdmin):
    list_display = ["name", "town"]
    search_fields = ["name", "town"]


@admin.register(Lot)
class LotAdmin(admin.ModelAdmin):
    list_display = ["title", "seller", "status", "current_price", "last_sequence", "closes_at"]
    list_filter = ["status"]
    list_select_related = ["seller"]
    search_fields = ["title", "description"]
    autocomplete_fields = ["seller"]
    readonly_fields = ["status", "current_price", "last_sequence", "best_bid"]

    def get_object(self, request, object_id, from_field=None):
        # A form saves the whole row, and a bid placed while it does would be undone. A change
        # view is one transaction, so this lock holds bids off until the edit is stored.
        if request.method == "POST" and object_id.isdecimal():
            Lot.objects.select_for_update().filter(pk=object_id).exists()
        return super().get_object(request, object_id, from_field)

    def get_readonly_fields(self, request, lot=None):
        """The opening price is settled once there is a bid."""
        settled = ["opening_price"] if lot and lot.best_bid_id else []
        return [*self.readonly_fields, *settled]


@admin.register(Bid)
class BidAdmin(admin.ModelAdmin):
    """Bids are placed by auctions.services alone, so here they can only be read."""

    list_display = ["lot", "sequence", "bidder", "amount", "created"]
    list_select_related = ["lot", "bidder"]
    search_fields = ["bidder__username", "lot__title"]

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False
