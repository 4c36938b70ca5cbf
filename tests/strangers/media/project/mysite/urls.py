from django.conf import settings
from django.conf.urls.static import static
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def upload(request):
    default_storage.delete("note.txt")
    name = default_storage.save("note.txt", ContentFile(request.POST["text"].encode()))
    return HttpResponse(default_storage.url(name))


urlpatterns = [
    path("upload/", upload),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
