"""What the application "daphne" imports, which Channels recommends for its runserver."""

import daphne.apps  # noqa: F401
