"""Static files with their content's hash in their names."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedFiles(ManifestStaticFilesStorage):
    """Django's own, which writes the hashed names into the scripts' imports too."""

    support_js_module_import_aggregation = True
