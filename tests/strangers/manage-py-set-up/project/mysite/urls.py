from django.urls import path
from shop.views import secret

urlpatterns = [path("", secret)]
