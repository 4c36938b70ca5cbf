class ByHost:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.get_host().startswith("live."):
            request.urlconf = "mysite.live_urls"
        return self.get_response(request)
