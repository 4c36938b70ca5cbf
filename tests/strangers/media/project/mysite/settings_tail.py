STATIC_ROOT = BASE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "assets"]
MEDIA_URL = "media/"
MEDIA_ROOT = BASE_DIR / "media"
