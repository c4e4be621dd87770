from bench_record import SCORES
from measuring.contenders import told_apart


def test_pictures_with_like_scores_cannot_be_told_apart():
    other = SCORES | {"neutral": 0.3, "porn": 0.35}
    assert told_apart([SCORES, other], tolerance=0.05) == 1.0
    assert told_apart([SCORES, other], tolerance=0.2) == 0.0
    assert told_apart([SCORES, SCORES, other], tolerance=0.05) == 2 / 3
    assert told_apart([SCORES], tolerance=0.05) == 0.0
