"""Sentences that the form and the API share."""

NOT_AN_AMOUNT = "Enter an amount in pounds and pence, such as 12.50."
TOO_SMALL = "Bid at least a penny."
TOO_LARGE = "No lot is worth that much: bid less than 100 million pounds."

# By the codes of Django's form field and of the serializer's field.
AMOUNT_ERRORS = {
    "required": NOT_AN_AMOUNT,
    "null": NOT_AN_AMOUNT,
    "invalid": NOT_AN_AMOUNT,
    "max_decimal_places": NOT_AN_AMOUNT,
    "min_value": TOO_SMALL,
    "max_digits": TOO_LARGE,
    "max_whole_digits": TOO_LARGE,
    "max_string_length": TOO_LARGE,
}
