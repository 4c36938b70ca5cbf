"""Django, configured for all of these tests."""

import oracle.configured  # noqa: F401 - to import it is to configure it
