"""`trust-nsfw policy`: check policy files, show one, compare two on stored scores."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trust_nsfw.cli import options
from trust_nsfw.cli.policy_lookup import look_up
from trust_nsfw.cli.replay import Comparison, compare
from trust_nsfw.cli.results_file import read_results
from trust_nsfw.cli.terminal import console, counted, one_line, print_table, say, show
from trust_nsfw.cli.writers import STYLES, reason_text
from trust_nsfw.errors import PolicyError
from trust_nsfw.policy import Policy, decide
from trust_nsfw.policy_file import load_policy_file
from trust_nsfw.schema import Action

INVALID, UNREADABLE = 1, 2

app = typer.Typer(help="Check, show and compare policies.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="POLICY", help="A name, or a file's path ending in .yaml.")]


@app.command()
def check(files: Annotated[list[Path], typer.Argument(metavar="FILE")]) -> None:
    """Validate policy files and run their tests. Exit code 0: all hold; 1: one does not; 2: one can't be read."""
    raise typer.Exit(max(_check(file) for file in files))


@app.command("show")
def show_policy(name: Name, *, policies: options.PoliciesFolder = None) -> None:
    """Print a policy's rules in the order in which they are tried."""
    policy = look_up(name, policies).policy
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("rule", "action", "when"):
        table.add_column(title)
    for rule in policy.rules:
        joint = f" {'or' if rule.match == 'any' else 'and'} "
        when = joint.join(f"{score} >= {threshold:g}" for score, threshold in rule.thresholds.items())
        table.add_row(one_line(rule.id), Text(rule.action, STYLES[rule.action]), when)
    table.add_row("", Text(policy.otherwise, STYLES[policy.otherwise]), "otherwise")
    screen = console()
    screen.print(_title(policy), style="bold")
    print_table(screen, table)


@app.command()
def diff(
    first: Name,
    second: Name,
    *,
    scores: Annotated[Path, typer.Option(metavar="RESULTS.jsonl", help="What classify wrote.")],
    examples: Annotated[int, typer.Option(min=0, help="Of each change, at most.")] = 5,
    policies: options.PoliciesFolder = None,
) -> None:
    """Replay stored scores: how many actions change from what to what when the second policy replaces the first."""
    before, after = look_up(first, policies).policy, look_up(second, policies).policy
    comparison = compare(read_results(scores), before, after, examples)
    screen = console()
    change = f"{comparison.changed:,} of {counted(comparison.total, 'image')} would be treated otherwise"
    screen.print(f"{_title(before)} -> {_title(after)}: {change}")
    if comparison.total:
        print_table(screen, _matrix(comparison))
    _print_examples(comparison, screen)
    if comparison.errors:
        screen.print(f"left out, having no scores: {counted(comparison.errors, 'image')}")
    if comparison.partial:
        pictures = counted(comparison.partial, "animated or transparent image")
        screen.print(f"replayed only on the one view of it that decided: {pictures}")


def _check(file: Path) -> int:
    """Say of one file whether it holds; returns the exit code for it."""
    try:
        file.open("rb").close()
        loaded = load_policy_file(file)
    except OSError as error:
        say(f"{file}: {error.strerror}")
        return UNREADABLE
    except PolicyError as error:
        say(str(error))
        return INVALID
    failed = 0
    for index, test in enumerate(loaded.tests):
        decision = decide(test.scores, loaded.policy)
        if decision.action is not test.action:
            because = ", ".join(reason_text(reason) for reason in decision.reasons) or "no rule matches"
            say(f"{file}: tests[{index}]: expected {test.action}, actual {decision.action} ({because})")
            failed += 1
    if failed:
        return INVALID
    show(f"{file}: valid, {counted(len(loaded.tests), 'test')} passed")
    return 0


def _title(policy: Policy) -> str:
    return f"{policy.name} {policy.version}"


def _matrix(comparison: Comparison) -> Table:
    """Return the counts: a row for each action of the first policy, a column for each of the second."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("from \\ to", style="bold")
    for after in Action:
        table.add_column(after, justify="right")
    for before in Action:
        counts = (comparison.counts[before, after] for after in Action)
        table.add_row(before, *(f"{count:,}" for count in counts))
    return table


def _print_examples(comparison: Comparison, screen: Console) -> None:
    for (before, after), examples in sorted(comparison.examples.items()):
        screen.print(f"\n{before} -> {after}", style=STYLES[after])
        for example in examples:
            reasons = ", ".join(reason_text(reason) for reason in example.reasons) or "no rule matches"
            screen.print(f"  {one_line(example.name)}: {reasons}", soft_wrap=True)
