"""A campaign's charts by name: as PNG for other documents, as SVG for the report."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from campaign import bars, course, curves, findings, groups
from campaign.axes import SIZE_INCHES, STYLE, TITLE_INCHES
from campaign.record import Record, TargetRecord

COURSE_INCHES = (5.2, 4.1)
QUEUE_CAPTIONS = (
    "Closed loop; the mean wait of a request before its batch is formed.",
    "Closed loop; the wait of a request before its batch is formed. REST: the mean of all requests. gRPC, where "
    "TorchServe doesn't add waits up: the mean of its gauge for the latest request, read twice a second.",
)


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture to be drawn: its title, how to read it, what it shows for whom can't see it."""

    title: str
    caption: str
    alternative: str
    draw: Callable[[Canvas], None]
    inches: tuple[float, float] = SIZE_INCHES


def pngs(record: Record) -> dict[str, Callable[[], bytes]]:
    """Return what draws every chart as PNG, its title in it, by file name."""
    found = charts(record)
    return {f"{name}.png": partial(_rendered, chart, "png", titled=True) for name, chart in found.items()}


def svg(chart: Chart) -> bytes:
    """Return a chart as SVG, without its title."""
    return _rendered(chart, "svg", titled=False)


def charts(record: Record) -> dict[str, Chart]:
    """Return the charts that the record has figures for, in the order to be read."""
    targets = record.targets
    found = {
        "throughput": Chart(
            "Throughput against users",
            "Closed loop. Lines are medians; bands reach from the least to the most of the rounds.",
            "; ".join(f"{groups.title(name)}: {findings.capacity(target)}" for name, target in targets.items()),
            partial(curves.by_users, targets=targets, figure=groups.answered, unit="requests/s", with_capacity=True),
        )
    }
    for name, target in targets.items():
        found[f"latency-users-{name}"] = Chart(
            f"{groups.title(name)}: latency against users",
            "Closed loop, from sending to the whole answer.",
            _told(target),
            partial(curves.latency_by_users, name=name, targets=targets),
        )
    for name, target in targets.items():
        found[f"latency-offered-{name}"] = Chart(
            f"{groups.title(name)}: latency against offered rate",
            "Open loop. Hollow points are rates tried in search of the knee; a cross is one with failures. Past "
            "capacity only accepted requests count.",
            findings.at_what_latency(target),
            partial(curves.latency_by_offered, name=name, targets=targets),
        )
    found["achieved"] = Chart(
        "Answered against arrived rate",
        "Open loop. What lies below the dashed line was refused, failed, or still waiting when the window ended.",
        "Requests answered per second against requests that arrived per second.",
        partial(curves.achieved, targets=targets),
    )
    for name, target in targets.items():
        found[f"overload-{name}"] = Chart(
            f"{groups.title(name)}: overload and recovery",
            "One run: before, over capacity (shaded) and after. Answers by the time they came, the rest by when "
            "requests were to be sent. The dotted line marks the recovery.",
            findings.past_that(target),
            partial(course.overload, name=name, target=target),
            COURSE_INCHES,
        )
    if any(groups.pooled_batches(groups.at_capacity(target).runs) for target in targets.values()):
        found["batch-sizes"] = Chart(
            "Batches the server formed",
            "Closed loop at the users that gave the capacity, all rounds together.",
            "Share of the batches by their number of requests.",
            partial(bars.batch_sizes, targets=targets),
        )
    if any(groups.cores(run) is not None for target in targets.values() for run in target.closed):
        found["server-cpu"] = Chart(
            "The server's CPU against users",
            "Closed loop; CPU seconds per second, worker and Java together.",
            "CPU cores that the server used, by users.",
            partial(curves.by_users, targets=targets, figure=groups.cores, unit="cores"),
        )
    if any(run.server.queue_ms is not None for target in targets.values() for run in target.closed):
        found["queue"] = Chart(
            "Waiting in the server's queue against users",
            QUEUE_CAPTIONS["grpc" in targets],
            "Queue time in ms, by users.",
            partial(curves.by_users, targets=targets, figure=groups.queue_ms, unit="ms"),
        )
    if any(target.mixed for target in targets.values()):
        found["kinds"] = Chart(
            "Mixed traffic: latency by kind",
            "All kinds at once, closed loop; medians of the rounds' percentiles.",
            "Latency of each kind of request; the table beside it holds the numbers.",
            partial(bars.kinds, targets=targets),
        )
    if record.batching:
        found["batching"] = Chart(
            "Throughput and p95 by batch setting",
            "The server restarted with each. Dots are medians, dark lines least to most of the rounds.",
            "Images per second and p95 by batch setting.",
            partial(bars.batching, runs=record.batching),
        )
    return found


def _rendered(chart: Chart, form: str, titled: bool) -> bytes:
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=chart.inches, dpi=72 if form == "svg" else 200)
        chart.draw(canvas)
        if titled:
            # The title gets room of its own above, so that what is below stays as it was drawn.
            canvas.text(0.02, 1.0, chart.title, fontsize=11.5, fontweight="bold", va="bottom")
        out = io.BytesIO()
        box = canvas.bbox_inches.from_extents(0, 0, chart.inches[0], chart.inches[1] + titled * TITLE_INCHES)
        metadata = {"Software": ""} if form == "png" else {"Date": None, "Creator": None}
        canvas.savefig(out, format=form, metadata=metadata, bbox_inches=box, pad_inches=0)
        return out.getvalue()


def _told(target: TargetRecord) -> str:
    found = groups.at_capacity(target)
    p50, p99 = (found.median(groups.percentile(name)) for name in ("p50", "p99"))
    per_s = findings.rate(target.capacity_per_s)
    return f"With {found.setting} and {per_s} p50 is {findings.ms(p50)}, p99 {findings.ms(p99)}."
