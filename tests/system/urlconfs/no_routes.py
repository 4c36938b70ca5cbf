"""Nothing at all: every path is Django's 404."""

urlpatterns = []

PATHS = ("/", "/a/")
