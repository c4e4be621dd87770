from dataclasses import replace

import pytest

import pictures
from lowering.errors import GateError
from lowering.gate import MIN_IMAGES, GateReport, measure
from lowering.pictures import PictureFolder
from trust_nsfw.policy import Policy, Rule, decide
from trust_nsfw.schema import Action, ImageInfo, Scores, Verdict

POLICY = Policy("default", "1", (Rule("r", Action.BLUR, "any", {"porn": 0.8}),), Action.ALLOW)
REVIEWING = Policy("careful", "1", (Rule("r", Action.REVIEW, "any", {"porn": 0.5}),), Action.ALLOW)
IMAGE = ImageInfo("0" * 64, "PNG", 10, 10)


def decided(porn: float, policies=(POLICY,)):
    scores = Scores(porn=porn, neutral=round(1 - porn, 6))
    return {policy.name: Verdict(scores, decide(scores, policy), IMAGE) for policy in policies}


def compare(reference: list[float], candidate: list[float], policies=(POLICY,)) -> GateReport:
    return GateReport.compare(
        [decided(porn, policies) for porn in reference], [decided(porn, policies) for porn in candidate]
    )


def test_equal_decisions_pass_and_say_what_they_exercised():
    report = compare([0.9] * 40 + [0.1] * 460, [0.9] * 40 + [0.11] * 460)
    assert report.failures == ()
    assert report.labels == {"drawing": 0, "hentai": 0, "neutral": 460, "porn": 40, "sexy": 0}
    assert report.actions == {"default": {"allow": 460, "review": 0, "blur": 40}}
    assert report.not_exercised == ("drawing", "hentai", "sexy", "review (default)")
    assert "| images of class porn | 40 | reported |" in report.table()
    assert "| images of class sexy | not exercised (0) | reported |" in report.table()


def test_shifts_are_the_largest_of_a_pictures_five():
    report = compare([0.5] * 500, [0.5] * 490 + [0.55] * 9 + [0.6])
    assert report.largest_shift == pytest.approx(0.1)
    assert report.p99_shift == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("reference", "candidate", "message"),
    [
        ([0.1] * 499, [0.1] * 499, "499 readable images; the gate needs at least 500"),
        ([0.49] * 500, [0.49] * 494 + [0.51] * 6, "top labels agree on 98.80%; needed is 99.0%"),
        ([0.79] * 500, [0.79] * 497 + [0.81] * 3, "actions of policy default agree on 99.40%; needed is 99.5%"),
        ([0.81] * 500, [0.81] * 499 + [0.79], "1 decisions moved from blur to allow; none may"),
    ],
)
def test_each_condition_fails_for_itself(reference, candidate, message):
    assert compare(reference, candidate).failures == (message,)


def test_conditions_hold_at_their_limits():
    assert compare([0.49] * MIN_IMAGES, [0.49] * 495 + [0.51] * 5).failures == ()


def test_every_policy_that_a_request_may_name_must_agree():
    report = compare([0.49] * 500, [0.49] * 495 + [0.51] * 5, (POLICY, REVIEWING))
    assert report.action_agreement == {"default": 1.0, "careful": 0.99}
    assert report.failures == ("actions of policy careful agree on 99.00%; needed is 99.5%",)


def test_the_record_holds_the_figures_and_the_verdict():
    record = compare([0.1] * 499, [0.1] * 499).as_record()
    assert (record["passed"], record["images"], len(record["failures"])) == (False, 499, 1)


@pytest.fixture
def folder(tmp_path):
    for seed in range(11):
        (tmp_path / f"{seed}.png").write_bytes(pictures.encode(pictures.picture(seed), "PNG"))
    (tmp_path / "moving.gif").write_bytes(pictures.animated_gif(20))
    (tmp_path / "torn.jpg").write_bytes(pictures.truncated_jpeg())
    (tmp_path / "text").write_text("no picture")
    return PictureFolder.read(tmp_path)


def test_a_pipeline_agrees_with_itself_on_every_readable_picture(folder, tiny_pipeline):
    report = measure(folder, tiny_pipeline, tiny_pipeline)
    assert (report.images, report.unreadable, report.largest_shift) == (12, 2, 0)
    assert set(report.action_agreement) == {"default", "lenient", "strict"}


def test_animations_too_many_for_one_request_are_scored_one_by_one(tmp_path, tiny_pipeline):
    for frames in range(20, 28):
        (tmp_path / f"{frames}.gif").write_bytes(pictures.animated_gif(frames))
    assert measure(PictureFolder.read(tmp_path), tiny_pipeline, tiny_pipeline).images == 8


def test_a_picture_that_one_of_them_cannot_score_stops_the_gate(folder, tiny_pipeline):
    class Broken:
        name, precision, max_batch, overlaps = "broken", "int8", 4, False

        def probabilities(self, batch):
            return tiny_pipeline.engine.probabilities(batch) * float("nan")

    broken = type(tiny_pipeline)(Broken(), tiny_pipeline._spec, tiny_pipeline.policies, tiny_pipeline.settings)
    with pytest.raises(GateError, match="could be scored by one of the two graphs only"):
        measure(folder, tiny_pipeline, broken)


def test_a_folder_without_a_readable_picture_stops_the_gate(folder, tiny_pipeline):
    unreadable = {sha: file for sha, file in folder.files.items() if file.suffix in ("", ".jpg")}
    with pytest.raises(GateError, match="holds no readable picture"):
        measure(replace(folder, files=unreadable), tiny_pipeline, tiny_pipeline)
