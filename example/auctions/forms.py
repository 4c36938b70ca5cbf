"""The form that the page shows."""

from django import forms

from auctions.models import Bid


class BidForm(forms.ModelForm):
    class Meta:
        model = Bid
        fields = ["bidder", "amount"]
        labels = {"bidder": "Your name", "amount": "Your bid (£)"}
        widgets = {
            "bidder": forms.TextInput(attrs={"autocomplete": "name"}),
            "amount": forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal"}),
        }
