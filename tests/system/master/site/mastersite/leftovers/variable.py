"""A library that sets a variable as it is imported, for others that come after it."""

import os

os.environ["TOKENIZERS_PARALLELISM"] = "false"


def poll(_request):
    return {}
