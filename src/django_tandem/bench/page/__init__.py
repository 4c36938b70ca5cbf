"""A report as one HTML file that stands alone: ``page``, and ``need_plotting`` to ask first."""

from django_tandem.bench.page.plotting import need_plotting
from django_tandem.bench.page.writing import page

__all__ = ["need_plotting", "page"]
