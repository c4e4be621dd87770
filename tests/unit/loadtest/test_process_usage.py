import os
import subprocess
import sys

from measuring.process_usage import busy_seconds, cpu_seconds, memory


def test_cpu_time_counts_a_process_and_the_children_that_ended():
    before, busy_before = cpu_seconds({"own": [os.getpid()]}), busy_seconds()
    subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    assert cpu_seconds({"own": [os.getpid()]})["own"] > before["own"]
    assert busy_seconds() > busy_before


def test_memory_is_summed_over_processes_and_its_peak_is_no_less():
    one = memory([os.getpid()])
    assert 0 < one.pss <= one.rss <= one.peak_rss + 1
    assert memory([os.getpid(), os.getpid()]).rss > 1.5 * one.rss
