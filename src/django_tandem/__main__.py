"""``python -m django_tandem`` is the command ``tandem``."""

import sys

from django_tandem.cli import main

if __name__ == "__main__":
    sys.exit(main())
