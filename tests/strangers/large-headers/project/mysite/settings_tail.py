ASGI_APPLICATION = "mysite.asgi.application"
