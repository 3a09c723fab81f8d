"""`python -m seefar` is `seefar`."""

from seefar.cli import entry

if __name__ == "__main__":
    entry()
