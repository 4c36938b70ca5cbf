FORCE_SCRIPT_NAME = "/shop"
MEDIA_URL = "media/"
