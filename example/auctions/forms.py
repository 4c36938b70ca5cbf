"""The form that the page shows."""

from django import forms

from auctions.models import Bid
from auctions.wording import AMOUNT_ERRORS


class BidForm(forms.ModelForm):
    """An amount; `key`, when the page's script makes one, says which bid is sent again."""

    key = forms.UUIDField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Bid
        fields = ["amount"]
        labels = {"amount": "Your bid (£)"}
        error_messages = {"amount": AMOUNT_ERRORS}
        widgets = {
            "amount": forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal"}),
        }
