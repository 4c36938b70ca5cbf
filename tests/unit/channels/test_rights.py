"""A right that the user of Redis lacks is named, and its grant is all that is needed."""

import asyncio
import re

import pytest
from redis import Redis

from django_tandem.channels import RedisLayer, redis_limits
from django_tandem.channels.rights import MissingRightError, missing_right
from harness.event_loop import run


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("User site has no permissions to run the 'blpop' command", "+blpop"),
        ("this user has no permissions to run the 'eval' command", "+eval"),
        ("No permissions to access a channel", "&site*"),
        (
            "ACL failure in script: No permissions to access a channel script: on @user_script:3.",
            "&site*",
        ),
        (
            "this user has no permissions to access one of the channels used as arguments",
            "&site*",
        ),
        ("No permissions to access a key", "~site*"),
        ("this user has no permissions to access one of the keys used as arguments", "~site*"),
        ("wrong number of arguments for 'blpop' command", None),
    ],
)
def test_the_right_is_in_the_text_of_redis(text, right) -> None:
    """As versions 6 and 7 and Valkey have it."""
    assert missing_right(text, "site") == right


@pytest.fixture
def admin(own_valkey):
    with Redis.from_url(own_valkey.url) as client:
        yield client


def layer_of(valkey, **more):
    """Return a layer whose user is ``site``."""
    host = {"address": valkey.url, "username": "site", "password": "secret", **more}
    return RedisLayer(hosts=[host])


async def use_all(layer, other):
    """Do all that a layer does."""
    channel = await layer.new_channel()
    await layer.group_add("all", channel)
    await layer.group_add("all", "work")
    await other.group_add("others", channel)
    await other.group_discard("others", channel)
    await other.group_send("all", {"number": 1})
    await other.send(channel, {"number": 2})
    numbers = [(await layer.receive(each))["number"] for each in (channel, channel, "work")]
    await layer.send("work", {})
    await layer.group_discard("all", "work")
    await layer.group_discard("all", channel)
    await layer.flush()
    return numbers


@pytest.mark.processes
def test_the_documented_rights_are_all_that_a_layer_needs(
    own_valkey, admin, documented_acl
) -> None:
    """And it needs each of those commands, but for what puts back what a cancelled worker took."""
    command, _ = documented_acl
    admin.execute_command(*command.split())
    admin.config_resetstat()

    assert run(use_all(layer_of(own_valkey), layer_of(own_valkey))) == [1, 2, 1]
    used = {name.removeprefix("cmdstat_") for name in admin.info("commandstats")}
    documented = set(re.findall(r"\+(\w+)", command))
    assert documented - used <= {"lpush"}


@pytest.mark.processes
@pytest.mark.parametrize("options", [{}, {"socket_timeout": 5}])
def test_a_right_that_lacks_is_named_and_works_once_it_is_granted(
    own_valkey, admin, options
) -> None:
    """Without another connection's help, and whatever the timeout of its socket."""
    admin.execute_command("ACL", "SETUSER", "site", "on", ">secret", "~*", "+@all", "resetchannels")
    expected = (
        'The Redis user of the channel layer lacks the right "&asgi*". '
        "Grant it by `ACL SETUSER NAME &asgi*`."
    )

    async def test():
        layer, other = layer_of(own_valkey, **options), layer_of(own_valkey, **options)
        calls = (
            layer.new_channel,
            lambda: layer.receive("work"),
            lambda: layer.group_send("g", {}),
        )
        for call in (*calls, *calls):
            with pytest.raises(MissingRightError) as caught:
                await call()
            assert str(caught.value) == expected
        admin.execute_command("ACL", "SETUSER", "site", "&asgi*")
        return await use_all(layer, other)

    assert run(test()) == [1, 2, 1]


@pytest.mark.processes
def test_a_user_without_the_name_of_the_test_keeps_its_subscriptions(
    own_valkey, admin, monkeypatch
) -> None:
    """Redis ends a connection for a name that it denies: once, and not after each silence."""
    monkeypatch.setattr(redis_limits, "IDLE_S", 0.05)
    allowed = ("&asgi:*process*", "&asgi:*group*")
    admin.execute_command("ACL", "SETUSER", "site", "on", ">secret", "~*", "+@all", *allowed)

    async def test():
        layer = layer_of(own_valkey)
        await layer.group_add("all", await layer.new_channel())
        connection = layer._endpoint()._connections[0]
        async with asyncio.timeout(30):
            while connection._may_test or connection.subscriptions.is_reconnecting:
                await asyncio.sleep(0.01)
        opened_at = connection.subscriptions._opened_at
        await asyncio.sleep(0.3)
        return connection.subscriptions._opened_at == opened_at

    assert run(test())


@pytest.mark.processes
def test_a_right_that_is_revoked_is_named_until_it_is_granted_again(own_valkey, admin) -> None:
    """A sender does not wait for what only an administrator can change."""
    admin.execute_command("ACL", "SETUSER", "site", "on", ">secret", "~*", "&*", "+@all")

    async def test():
        layer = layer_of(own_valkey)
        channel = await layer.new_channel()
        await layer.group_add("all", channel)
        # Redis closes the connections of subscriptions that are forbidden now.
        admin.execute_command("ACL", "SETUSER", "site", "resetchannels")
        of_group = layer._endpoint()._connections[0].subscriptions
        while of_group._denial is None:
            await asyncio.sleep(0.01)
        with pytest.raises(MissingRightError, match='lacks the right "&asgi\\*"'):
            await layer.group_send("all", {"number": 1})
        admin.execute_command("ACL", "SETUSER", "site", "&asgi*")
        while of_group.is_reconnecting:
            await asyncio.sleep(0.01)
        await layer.group_send("all", {"number": 2})
        return (await layer.receive(channel))["number"]

    assert run(test()) == 2
