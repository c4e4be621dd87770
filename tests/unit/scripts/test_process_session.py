"""Ending every process of a server, and no other."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from serving import process_session
from serving.process_session import ProcessSession

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"


@pytest.fixture
def family():
    """A shell that leads a session, with a child that ignores SIGTERM."""
    script = f'"{sys.executable}" -c "{STUBBORN}" & wait'
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as leader:
        assert leader.stdout is not None
        leader.stdout.readline()
        yield leader
        for member in ProcessSession(leader.pid, time.time()).members():
            member.kill()
        if leader.poll() is None:
            leader.kill()


def test_all_of_a_family_end_even_one_that_ignores_sigterm(family, monkeypatch):
    monkeypatch.setattr(process_session, "TERM_GRACE_SECONDS", 0.5)
    session = ProcessSession.led_by(family.pid)
    assert len(session.members()) == 2
    session.stop()
    assert session.members() == []


def test_children_are_found_after_their_leader_was_killed(family, monkeypatch):
    monkeypatch.setattr(process_session, "TERM_GRACE_SECONDS", 0.5)
    session = ProcessSession.led_by(family.pid)
    os.kill(family.pid, signal.SIGKILL)
    family.wait()
    [orphan] = session.members()
    session.stop()
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE


def test_a_program_that_was_given_the_same_id_is_left_alone(family):
    recorded = ProcessSession.led_by(family.pid)
    yesterday = replace(recorded, leader_started=recorded.leader_started - 86400)
    assert yesterday.members() == []
    yesterday.stop()
    assert family.poll() is None
