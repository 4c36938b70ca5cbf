"""The first steps of each process that loads the project, on every server."""

from django_tandem.inprocess import json_logging, prometheus_files
from django_tandem.inprocess.prefork import note_own_descriptors
from django_tandem.inprocess.standard_streams import ignore_write_errors


def prepare_process() -> None:
    """Prepare the streams, the logging and the metrics of this process for the project."""
    ignore_write_errors()
    json_logging.install()
    prometheus_files.make_directory()
    # Last: what is open by now is not the project's.
    note_own_descriptors()
