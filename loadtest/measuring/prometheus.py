"""Prometheus' text format, read by Prometheus' own parser."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

Values = Mapping[str, float]


def totals(text: str) -> Values:
    """Return the sum of each measurement over all its dimensions, by the name that stands in the text.

    A counter's `_total` is left out of the name, so that both spellings are one.
    """
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name.removesuffix("_total")
            found[name] = found.get(name, 0.0) + sample.value
    return found


def by_label(text: str, name: str, label: str) -> Values:
    """Return the values of one measurement by those of a label, summed over the others; {} where it isn't shown."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.removesuffix("_total") == name and label in sample.labels:
                value = sample.labels[label]
                found[value] = found.get(value, 0.0) + sample.value
    return found
