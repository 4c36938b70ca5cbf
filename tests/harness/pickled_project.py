"""Print the project of the working directory as a command loads it, for a test to unpickle."""

import base64
import pickle

from django_tandem.cli.planning import load_project

print(base64.b64encode(pickle.dumps(load_project(None).project)).decode())
