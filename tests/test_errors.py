"""The error tree: exit codes as documented, hints that help."""

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
    assert drawn == real


def test_details_are_kept_beside_the_sentence() -> None:
    error = errors.DataError("two files are bad", details=["a.png: empty", "b.png: truncated"])
    assert str(error) == "two files are bad"
    assert error.details == ("a.png: empty", "b.png: truncated")


def test_did_you_mean_offers_the_nearest_or_nothing() -> None:
    assert errors.did_you_mean("epohcs", ["epochs", "dense"]) == " (did you mean 'epochs'?)"
    assert errors.did_you_mean("zzz", ["epochs", "dense"]) == ""
