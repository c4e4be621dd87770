import base64
import json
import random
from itertools import pairwise

import pytest

from trust_nsfw.client.batches import Entry, RequestLimits, body_of, fits_json, group


def test_a_body_is_the_contracts_json():
    entries = [Entry(0, None, b"one"), Entry(1, 'é"\\\n', b"")]
    assert json.loads(body_of(entries)) == {
        "images": [{"id": None, "b64": base64.b64encode(b"one").decode()}, {"id": 'é"\\\n', "b64": ""}]
    }


@pytest.mark.parametrize("seed", range(20))
def test_groups_are_in_order_whole_and_never_longer_than_counted(seed):
    random.seed(seed)
    limits = RequestLimits(max_images=random.randint(1, 6), max_body_bytes=random.randint(40, 900))
    ids = [None, "é", "", "plain"]
    entries = [Entry(index, random.choice(ids), bytes(random.randint(0, 400))) for index in range(40)]
    groups = list(group(entries, limits))
    assert [entry for batch in groups for entry in batch] == entries
    for batch in groups:
        assert fits_json(batch, limits) or len(batch) == 1
        if fits_json(batch, limits):
            assert len(body_of(batch)) <= limits.max_body_bytes
    for batch, after in pairwise(groups):
        assert not fits_json([*batch, after[0]], limits), "as few requests as possible"
