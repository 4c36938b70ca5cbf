"""Makes the tables, and 200 books by 40 authors."""

import datetime

import django
from django.core.management import call_command

django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)

from books.models import Author, Book  # noqa: E402 - models come after the set-up

authors = Author.objects.bulk_create(Author(name=f"Author {n}") for n in range(40))
Book.objects.bulk_create(
    Book(
        title=f"Book {n:03}",
        price=n,
        published=datetime.date(2020, 1, 1) + datetime.timedelta(days=n),
        author=authors[n % 40],
    )
    for n in range(200)
)
