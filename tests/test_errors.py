"""The error tree: exit codes as documented, hints that help."""

import signal

from seefar import errors


def test_exit_codes_are_those_of_the_drawn_tree() -> None:
    drawn = {}
    for line in (errors.__doc__ or "").splitlines():
        words = line.replace("├──", "").replace("└──", "").split()
        if len(words) > 2 and words[0].endswith("Error") and words[1].isdigit():
            drawn[words[0]] = int(words[1])
    real = {
        name: kind.exit_code for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)
    }
    del real["StoppedError"]  # its code is that of the signal
    assert drawn == real


def test_an_interruption_has_the_code_of_the_shell_and_names_the_signal() -> None:
    assert errors.StoppedError(signal.SIGTERM, "after step 3").exit_code == 143
    assert errors.StoppedError(signal.SIGINT, "after step 3").exit_code == 130
    assert str(errors.StoppedError(signal.SIGHUP, "after step 3")) == "interrupted by SIGHUP after step 3"


def test_details_are_kept_beside_the_sentence() -> None:
    error = errors.DataError("two files are bad", details=["a.png: empty", "b.png: truncated"])
    assert str(error) == "two files are bad"
    assert error.details == ("a.png: empty", "b.png: truncated")


def test_did_you_mean_offers_the_nearest_or_nothing() -> None:
    assert errors.did_you_mean("epohcs", ["epochs", "dense"]) == " (did you mean 'epochs'?)"
    assert errors.did_you_mean("zzz", ["epochs", "dense"]) == ""
