"""Output is read from its end, and followed through rotation."""

from itertools import islice

from django_tandem.runtime import logs


def test_the_last_lines_come_oldest_first(tmp_path) -> None:
    """And a program that printed nothing has none."""
    (tmp_path / "wsgi-1.log").write_text("".join(f"line {number}\n" for number in range(1000)))

    assert logs.last_lines(tmp_path, "wsgi-1", 2) == ["line 998", "line 999"]
    assert logs.last_lines(tmp_path, "other", 2) == []


def test_a_line_is_followed_when_it_is_whole(tmp_path) -> None:
    """What was there before is not repeated, nor is a rotated file lost."""
    log = tmp_path / "a.log"
    log.write_text("before\n")
    tail = logs._Tail(log)

    with log.open("a") as more:
        more.write("one\ntw")
    assert tail.lines() == ["one"]
    with log.open("a") as more:
        more.write("o\n")
    assert tail.lines() == ["two"]
    log.rename(tmp_path / "a.log.1")
    log.write_text("new\n")
    assert tail.lines() == ["new"]


def test_each_line_is_told_with_its_program(tmp_path) -> None:
    """Several files are followed as one."""
    following = logs.follow(tmp_path, ["a", "b"])
    for name in ("a", "b"):
        (tmp_path / f"{name}.log").write_text(f"from {name}\n")

    assert list(islice(following, 2)) == [("a", "from a"), ("b", "from b")]
