from django.urls import path

from mysite import views

urlpatterns = [
    path("who/", views.who),
    path("who/<str:_>/", views.who),
    path("work/<str:key>/", views.work),
    path("wait/<str:key>/", views.wait),
    path("orphan/", views.orphan),
    path("eat/", views.eat),
]
