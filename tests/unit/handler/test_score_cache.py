from trust_nsfw.schema import ImageInfo, ScoredView, Scores
from trust_nsfw.score_cache import ScoreCache

ENGINE = "torch fp32 00"


def views(name: str) -> tuple[ScoredView, ...]:
    return (ScoredView(ImageInfo(name, "PNG", 4, 3), Scores(neutral=1.0)),)


def test_what_was_put_comes_back_itself():
    cache = ScoreCache(2)
    put = views("a")
    cache.put(ENGINE, "a", put)
    assert cache.get(ENGINE, "a") is put
    assert cache.get(ENGINE, "b") is None


def test_another_engines_scores_are_not_found():
    cache = ScoreCache(2)
    cache.put(ENGINE, "a", views("a"))
    assert cache.get("torch bf16 00", "a") is None


def test_the_least_recently_used_entry_makes_room():
    cache = ScoreCache(2)
    for name in "ab":
        cache.put(ENGINE, name, views(name))
    cache.get(ENGINE, "a")
    cache.put(ENGINE, "c", views("c"))
    assert [cache.get(ENGINE, name) is not None for name in "abc"] == [True, False, True]
    assert len(cache) == 2


def test_an_entry_put_again_takes_no_second_place():
    cache = ScoreCache(2)
    for name in "aba":
        cache.put(ENGINE, name, views(name))
    cache.put(ENGINE, "c", views("c"))
    assert [cache.get(ENGINE, name) is not None for name in "abc"] == [True, False, True]


def test_a_cache_of_no_entries_is_off():
    cache = ScoreCache(0)
    cache.put(ENGINE, "a", views("a"))
    assert (cache.on, len(cache), cache.get(ENGINE, "a")) == (False, 0, None)
