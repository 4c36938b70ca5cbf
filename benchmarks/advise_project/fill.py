"""Makes the tables of both databases, with 200 books by 20 authors and one account."""

import os

import django
from django.core.management import call_command
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)

from shop.models import Author, Book  # noqa: E402 - models come after the set-up

authors = Author.objects.bulk_create(Author(name=f"Author {n}") for n in range(20))
Book.objects.bulk_create(
    Book(title=f"Book {n:03}", price=n, author=authors[n % 20]) for n in range(200)
)
with connections["ledger"].cursor() as cursor:
    cursor.execute("CREATE TABLE account (balance INTEGER)")
    cursor.execute("INSERT INTO account VALUES (1200)")
