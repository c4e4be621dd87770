"""A campaign as one HTML page that needs nothing else: no script, no network, charts within it."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from campaign import charts, doubts, findings, groups, sections
from campaign.charts import Chart
from campaign.findings import Verdict
from campaign.record import Record, TargetRecord
from measuring.tables import number

TEMPLATE = Path(__file__).with_name("report.html.j2")


@dataclass(frozen=True, slots=True)
class Answer:
    """The first screen's row of one target: figures as people read them."""

    name: str
    title: str
    capacity: str
    capacity_note: str
    knee: str
    knee_p99: str
    knee_note: str
    overload_title: str
    verdicts: list[Verdict]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its picture as a data URI."""

    title: str
    caption: str
    alternative: str
    source: str


def html(record: Record) -> str:
    """Return the whole page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["whole_units"] = whole_units
    figures = {name: _figure(chart) for name, chart in charts.charts(record).items()}
    use = (sections.server_use(name, target) for name, target in record.targets.items())
    return environment.get_template(TEMPLATE.name).render(
        record=record,
        subject=_subject(record),
        objective=_objective(record),
        answers=[_answer(name, target) for name, target in record.targets.items()],
        doubts=doubts.of_record(record),
        figures=figures,
        names=list(record.targets),
        loads=[sections.loads(name, target) for name, target in record.targets.items()],
        tried=[sections.tried(name, target) for name, target in record.targets.items() if target.knee.tried],
        kinds=sections.kinds(record.targets),
        errors=sections.errors(record),
        batching=sections.batching(record),
        server_use=[table for table in use if table is not None],
        generator=sections.generator(record),
        runs=sections.runs(record),
        circumstances=sections.circumstances(record),
        service=sections.service(record),
    )


def whole_units(text: str) -> str:
    """Keep a number and its unit, and p99 and its number, on one line."""
    return re.sub(r"(?<=\d) (?=ms\b|s\b|%|requests/s)|(?<=p99) (?=\d)", "\N{NO-BREAK SPACE}", text)


def _answer(name: str, target: TargetRecord) -> Answer:
    knee = target.knee
    spread = groups.at_capacity(target).spread(groups.answered)
    users = f"{target.capacity_users} user{'s' * (target.capacity_users != 1)}, each waiting for its answer"
    rounds = "" if spread is None or spread.least == spread.most else f"; rounds {findings.between(spread)}"
    share, offered = findings.overload_share(target), target.overload.run.offered_per_s
    return Answer(
        name,
        groups.title(name),
        number(target.capacity_per_s),
        users + rounds,
        "none" if knee.rate_per_s is None else number(knee.rate_per_s),
        "" if knee.rate_per_s is None else findings.ms(knee.p99_ms),
        findings.at_what_latency(target)
        if knee.rate_per_s is None
        else f"no error; the objective is {findings.ms(knee.objective_ms)}",
        ("Past capacity" if share is None else f"At {findings.overload_title(target)}")
        + ("" if offered is None else f" ({number(offered)}/s offered)"),
        findings.overload_verdicts(target),
    )


def _figure(chart: Chart) -> Figure:
    source = "data:image/svg+xml;base64," + b64encode(charts.svg(chart)).decode("ascii")
    return Figure(chart.title, chart.caption, chart.alternative, source)


def _subject(record: Record) -> str:
    """Return what was measured: the checkpoint that the service describes, or else "the service"."""
    model = record.service.get("model")
    found = model.get("checkpoint") or model.get("name") if isinstance(model, Mapping) else model
    return str(found or "the service")


def _objective(record: Record) -> str:
    return " and ".join(dict.fromkeys(findings.ms(target.knee.objective_ms) for target in record.targets.values()))
