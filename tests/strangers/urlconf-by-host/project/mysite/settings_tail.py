DEBUG = False
ALLOWED_HOSTS = ["*"]
MIDDLEWARE = ["mysite.hosts.ByHost"]
