"""Django in this process, configured as it is served; to import it is to do so."""

import django
import oracle.settings
from django.conf import settings

if not settings.configured:
    given = vars(oracle.settings)
    settings.configure(**{name: given[name] for name in given if name.isupper()})
    django.setup(set_prefix=False)
