"""An effect that shows when it was brought about twice."""

from django.db import models


class Mark(models.Model):
    """One POST that was carried out; nothing keeps a key from coming twice."""

    key = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.key
