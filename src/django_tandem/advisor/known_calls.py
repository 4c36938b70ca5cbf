"""Calls that wait without a coroutine, and what takes their place in an async view."""

from collections.abc import Mapping

HTTPX = "use httpx.AsyncClient"

# By the dotted path of the call, or of the module or class that it is called on.
BLOCKING: Mapping[str, str] = {
    "requests": HTTPX,
    "urllib.request.urlopen": HTTPX,
    "urllib3": HTTPX,
    "http.client": HTTPX,
    **{
        f"httpx.{name}": HTTPX
        for name in ("get", "post", "put", "patch", "delete", "head", "request", "stream", "Client")
    },
    "time.sleep": "use asyncio.sleep",
    "boto3": "use aioboto3",
    **{f"redis.{name}": "use redis.asyncio" for name in ("Redis", "StrictRedis", "from_url")},
    **{
        f"subprocess.{name}": "use asyncio.create_subprocess_exec"
        for name in ("run", "call", "check_call", "check_output", "Popen", "getoutput")
    },
    "os.system": "use asyncio.create_subprocess_exec",
    "socket.create_connection": "use asyncio.open_connection",
    "socket.socket": "use asyncio.open_connection",
    "smtplib": "send the mail in a task",
    "django.core.mail.send_mail": "send it in a task, or by sync_to_async",
    "django.core.mail.mail_admins": "send it in a task, or by sync_to_async",
    "pymongo.MongoClient": "use pymongo.AsyncMongoClient",
    "elasticsearch.Elasticsearch": "use elasticsearch.AsyncElasticsearch",
    "openai.OpenAI": "use openai.AsyncOpenAI",
    "anthropic.Anthropic": "use anthropic.AsyncAnthropic",
    "psycopg.connect": "use psycopg.AsyncConnection",
    "psycopg2": "use psycopg.AsyncConnection",
}

# Methods of a manager or queryset that have an async variant, with an "a" in front.
ORM = frozenset(
    {
        "aggregate", "bulk_create", "bulk_update", "contains", "count", "create", "delete",
        "earliest", "exists", "explain", "first", "get", "get_or_create", "in_bulk", "iterator",
        "last", "latest", "update", "update_or_create",
    }
)  # fmt: skip
# By what a manager or a queryset is recognized.
QUERYSETS = frozenset({"objects", "_default_manager", "get_queryset"})

SHORTCUTS, AUTH = "django.shortcuts", "django.contrib.auth"
RENAMED: Mapping[str, str] = {
    f"{SHORTCUTS}.get_object_or_404": "aget_object_or_404",
    f"{SHORTCUTS}.get_list_or_404": "aget_list_or_404",
    **{f"{AUTH}.{name}": f"a{name}" for name in ("authenticate", "login", "logout", "get_user")},
    **{
        f"django.core.cache.cache.{name}": f"cache.a{name}"
        for name in ("get", "set", "add", "delete", "get_or_set", "incr", "touch", "get_many")
    },
}

SYNC_ONLY = frozenset(
    {
        "django.db.connection.cursor",
        "django.db.connections.cursor",
        "django.db.transaction.atomic",
    }
)

SYNC_DECORATORS: Mapping[str, str] = {
    "django.views.decorators.cache.cache_page": "cache in the view, by cache.aget() and aset().",
    "django.views.decorators.gzip.gzip_page": "let the edge compress.",
    "django.db.transaction.atomic": "call the part in a transaction by sync_to_async.",
}
# They await an async view, or are replaced with the class or decorator of the framework.
UNCHANGED_DECORATORS = (
    "django.",
    "rest_framework.",
    "adrf.",
    "django_tandem.",
    "property",
    "staticmethod",
    "classmethod",
)
