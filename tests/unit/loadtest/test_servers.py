from measuring.servers import _total, mean_batch

METRICS = """# HELP NsfwImages Torchserve prometheus counter metric
# TYPE NsfwImages counter
NsfwImages{Level="Host",Hostname="a",} 12.0
NsfwImages{Level="Host",Hostname="b",} 4.0
NsfwImagesRefused{Hostname="a",} 100.0
"""


def test_a_counter_is_summed_over_its_dimensions():
    assert _total(METRICS, "NsfwImages") == 16
    assert _total(METRICS, "NsfwBatches") == 0


def test_the_mean_batch_is_that_of_the_time_between_two_readings():
    before, after = {"NsfwBatches": 10.0, "NsfwImages": 20.0}, {"NsfwBatches": 12.0, "NsfwImages": 36.0}
    assert mean_batch(before, after) == 8
    assert mean_batch(before, before) is None
