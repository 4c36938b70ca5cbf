import os

SECRET = os.environ["SECRET"]
INSTALLED_APPS.append("django_tandem")
WSGI_APPLICATION = None
