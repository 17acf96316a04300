"""The command line. Commands are imported when they are called, so that ``auditor --help`` stays instant."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click

from auditor import __version__

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("auditor.cli.demo", "Audit the built-in synthetic pair, offline, in under a minute."),
    "run": ("auditor.cli.run", "Audit a pair of endpoints; the same command continues a broken run."),
    "results": ("auditor.cli.results", "Show a run's findings as a table or as JSON."),
    "view": ("auditor.cli.view", "Browse a run in the terminal: failures side by side."),
    "report": ("auditor.cli.report", "Write a run's findings as Markdown or JSON."),
    "gate": ("auditor.cli.gate", "For CI: the exit code is the answer."),
    "probe": ("auditor.cli.probe", "Measure what an endpoint can do."),
    "drift": ("auditor.cli.drift", "How far the candidate moved from the baseline; or has one endpoint changed?"),
    "estimate": ("auditor.cli.estimate", "Prompts, calls, tokens and money before a call is made."),
    "family": ("auditor.cli.family", "Audit several pairs alike: a matrix of conversion by dimension."),
    "replicate": ("auditor.cli.replicate", "Audit a pair the way a paper did, its figures beside the run's."),
    "judge": ("auditor.cli.judge", "Measure a judge against labelled texts; label a run's replies yourself."),
    "score": ("auditor.cli.score", "Judge replies that were collected elsewhere."),
    "banks": ("auditor.cli.banks", "List, show, lint and import prompt banks."),
    "simulate": ("auditor.cli.simulate", "Serve the synthetic pair as an OpenAI-compatible server on loopback."),
}
"""Each command's module and its line in the help, in the order people need them."""

EPILOG: Final = (
    "An endpoint E is openai:MODEL, anthropic:MODEL, openrouter:VENDOR/MODEL or http://host:port/v1#MODEL. "
    "Keys come from environment variables only.\n\n"
    "Exit codes: 0 pass, 1 a regression was found (gate), 2 usage, 3 indeterminate, 4 endpoint or key, 130 interrupted."
)


class LazyGroup(click.Group):
    """Knows its commands' names and help lines; loads a command's module only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in reading order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command = module.command
        assert isinstance(command, click.Command)  # noqa: S101 - a broken table is a bug of ours, not a user's error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in ``--help``, without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is answered with the nearest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="auditor")
def cli() -> None:
    """Did turning this instruct model into this reasoning model keep its alignment?

    auditor asks both models of a pair the same prompts, compares answers and reasoning traces in six trustworthiness
    dimensions, measures how far the candidate drifted from the baseline, and shows the evidence.
    """


def run(args: list[str] | None = None) -> int:
    """Run one command line and return its exit code: our errors become one message each."""
    from auditor.errors import AuditorError

    try:
        code = cli.main(args, prog_name="auditor", standalone_mode=False)
    except AuditorError as error:
        from auditor.report.plain import harmless

        click.echo(f"error: {harmless(str(error))}", err=True)
        return error.exit_code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output (head, less) left; nothing is wrong with the run.
        sys.stderr.close()
        return 0
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the ``auditor`` command."""
    sys.exit(run())
