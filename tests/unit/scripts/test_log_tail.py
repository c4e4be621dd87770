"""Following a log: only what is new, only whole lines."""

from serving.log_tail import LogTail


def append(path, text):
    with path.open("ab") as log:
        log.write(text)


def test_what_was_there_before_is_not_news(tmp_path):
    path = tmp_path / "log"
    append(path, b"old\n")
    tail = LogTail(path)
    append(path, b"new\nnewer\n")
    assert tail.new_lines() == ["new", "newer"]
    assert tail.new_lines() == []


def test_a_file_may_come_later(tmp_path):
    tail = LogTail(tmp_path / "log")
    assert tail.new_lines() == []
    append(tmp_path / "log", b"first\n")
    assert tail.new_lines() == ["first"]


def test_half_a_line_waits_for_its_other_half(tmp_path):
    path = tmp_path / "log"
    tail = LogTail(path)
    append(path, b"REFUSED TO SERVE: the gr")
    assert tail.new_lines() == []
    append(path, "öße\n".encode()[:1])
    append(path, "öße\n".encode()[1:])
    assert tail.new_lines() == ["REFUSED TO SERVE: the größe"]


def test_a_rolled_over_log_is_read_from_its_start(tmp_path):
    path = tmp_path / "log"
    append(path, b"a long line before\n")
    tail = LogTail(path)
    path.rename(tmp_path / "log.1")
    append(path, b"after\n")
    assert tail.new_lines() == ["after"]


def test_bytes_that_are_no_text_do_not_stop_it(tmp_path):
    tail = LogTail(tmp_path / "log")
    append(tmp_path / "log", b"\xff\n")
    assert tail.new_lines() == ["\N{REPLACEMENT CHARACTER}"]
