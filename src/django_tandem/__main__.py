"""``python -m django_tandem`` is the command ``tandem``."""

from django_tandem.cli import entry

if __name__ == "__main__":
    entry()
