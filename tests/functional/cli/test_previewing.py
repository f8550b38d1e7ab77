"""``lockstep preview``: commands of two words, and input that cannot be."""

from pathlib import Path

import pytest

from lockstep.cli import main


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and everything that was written."""
    code = main(list(words))
    done = capsys.readouterr()
    return code, done.out + done.err


@pytest.mark.parametrize("words", [("--help",), ("-h",)])
def test_help_of_the_group(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    """It names the commands, and each has a help of its own."""
    code, said = run(capsys, "preview", *words)
    assert code == 0
    for name in ("up", "down", "list", "gc", "compact"):
        assert f"\n  {name} " in said
        assert run(capsys, "preview", name, "--help")[0] == 0


def test_nothing_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The help, and the exit code of bad input."""
    code, said = run(capsys, "preview")
    assert code == 3
    assert "usage: lockstep preview COMMAND" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("preview upp", "there is no command 'preview upp'\n  fix: did you mean `lockstep preview up`?"),
        ("preview up", "--pr"),
        ("preview up --pr x", "'x' is no number of a pull request"),
        ("preview up --pr 0", "no number"),
        ("preview up --pr -1", "--pr"),
        ("preview up --pr 99999999999", "no number"),
        ("preview up --pr 007", "no number"),
        ("preview up --pr 1 --sha main", "'main' is not the whole id of a commit"),
        ("preview up --pr 1 --sha 3f1c2ab", "'3f1c2ab' is not the whole id of a commit"),
        (f"preview up --pr 1 --sha {'a' * 39}", "is not the whole id of a commit"),
        (f"preview up --pr 1 --sha {'a' * 41}", "is not the whole id of a commit"),
        ("preview up --pr 1 --ttl soon", "'soon' is no time to live"),
        ("preview up --pr 1 --ttl 0d", "is no time to live"),
        ("preview up --pr 1 --service notifier", "write SERVICE@VERSION"),
        ("preview down --pr 1;2", "no number"),
        ("preview down --pr 1 --most -5", "at least 0"),
        ("preview gc --allow-deletes many", "at least 0"),
        ("preview list --rev main", "works on the newest commit"),
        ("preview compact --rev main", "works on the newest commit"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], tmp_path: Path, words: str, said: str) -> None:
    """Found before anything is read, with exit code 3."""
    code, told = run(capsys, "-C", str(tmp_path), *words.split())
    assert code == 3
    assert said in told
