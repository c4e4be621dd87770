"""How the axes of charts are labelled."""

import pytest
from matplotlib.figure import Figure

from evaluation.charts import _percent_axes


@pytest.mark.parametrize("end", [1.01, 0.104, 0.054])
def test_ticks_of_shares_are_few_round_and_never_the_same_twice(end):
    figure = Figure()
    axes = figure.subplots()
    _percent_axes(axes)
    axes.set_xlim(-0.004, end)
    figure.canvas.draw()
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert len(set(labels)) == len(labels) <= 8
    ticks = axes.get_xticks()
    assert all(
        float(label.removesuffix(" %")) == pytest.approx(100 * tick) for label, tick in zip(labels, ticks, strict=True)
    )
