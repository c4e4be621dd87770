"""Finding a Java: JAVA_HOME first, then PATH, never an old one."""

import os
from pathlib import Path

import pytest

from serving.java import Java, JavaNotFoundError, find_java, parse_settings, probe


def write_java(home: Path, version: str) -> Path:
    """Write a `java` that introduces itself as the real one does; returns its home."""
    executable = home / "bin" / "java"
    executable.parent.mkdir(parents=True)
    settings = f"    java.home = {home}\n    java.specification.version = {version}\n"
    executable.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{settings}END\n")
    executable.chmod(0o755)
    return home


@pytest.mark.parametrize(("written", "version"), [("21", 21), ("11", 11), ("1.8", 8)])
def test_the_version_is_read_as_every_generation_writes_it(written, version):
    text = f"Property settings:\n    java.home = /opt/a java\n    java.specification.version = {written}\n"
    assert parse_settings(text) == Java(Path("/opt/a java"), version)


def test_an_answer_that_is_no_javas_is_none():
    assert parse_settings("usage: coffee [--sugar]") is None


def test_java_home_wins_over_the_path(tmp_path):
    mine = write_java(tmp_path / "mine", "21")
    other = write_java(tmp_path / "other", "17")
    environ = {"JAVA_HOME": str(mine), "PATH": os.pathsep.join([str(other / "bin"), os.environ["PATH"]])}
    assert find_java(environ) == Java(mine, 21)


@pytest.mark.parametrize("version", ["1.8", None])
def test_a_java_home_that_is_old_or_empty_is_passed_over(tmp_path, version):
    useless = write_java(tmp_path / "useless", version) if version else tmp_path / "nothing"
    good = write_java(tmp_path / "good", "17")
    environ = {"JAVA_HOME": str(useless), "PATH": os.pathsep.join([str(good / "bin"), os.environ["PATH"]])}
    assert find_java(environ) == Java(good, 17)


def test_without_any_the_error_says_what_was_tried_and_what_to_do(tmp_path):
    old = write_java(tmp_path / "old", "1.8")
    with pytest.raises(JavaNotFoundError, match=r"JAVA_HOME=.*old has version 8.*scripts/setup"):
        find_java({"JAVA_HOME": str(old), "PATH": str(tmp_path)})


def test_a_file_that_does_not_start_is_no_java(tmp_path):
    assert probe(tmp_path / "absent") is None
    (tmp_path / "text").write_text("not a program")
    assert probe(tmp_path / "text") is None


def test_the_java_of_this_machine_tells_its_true_home():
    java = find_java()
    assert probe(java.home / "bin" / "java") == java
