"""How long threads spin while they wait: by what others do on the machine, before torch is loaded, unless the user has chosen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seefar import waiting
from seefar.waiting import busy_seconds, used_by_others

SETTLED = """
import json, os, sys
from seefar.waiting import settle_waiting
settle_waiting(float(sys.argv[1]))
print(json.dumps([os.environ.get("GOMP_SPINCOUNT"), "torch" in sys.modules]))
"""


def test_the_cores_of_this_process_are_read_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2})
    monkeypatch.setattr(os, "sysconf", lambda _: 100)
    stat = tmp_path / "stat"
    stat.write_text("cpu  9 9 9 9 9\ncpu0 100 20 30 4000 9\ncpu1 5000 0 0 1\ncpu2 50 0 0 7 7\nintr 7\n")
    assert busy_seconds(stat) == 2.0
    stat.write_text("cpu0 soon\n")
    assert busy_seconds(stat) is None
    assert busy_seconds(tmp_path / "none") is None


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="this system does not tell")
def test_this_machine_tells() -> None:
    before, own = busy_seconds(), os.times()
    assert before is not None
    for _ in range(3_000_000):
        pass
    now, then = busy_seconds(), os.times()
    assert now is not None
    assert now - before > 0.5 * (then.user - own.user), "our own work is among it"


@pytest.mark.parametrize(
    ("before", "now", "own", "cores"),
    [(10.0, 11.0, 0.2, 1.6), (10.0, 10.2, 0.3, 0.0), (None, 10.0, 0.0, 0.0), (10.0, None, 0.0, 0.0)],
)
def test_what_is_not_our_own_is_others(before: float | None, now: float | None, own: float, cores: float) -> None:
    assert used_by_others(0.5, before, now, own) == pytest.approx(cores)


@pytest.mark.parametrize(
    ("others", "chosen", "spins"),
    [(0.1, {}, None), (1.0, {}, "1000"), (1.0, {"GOMP_SPINCOUNT": "7"}, "7"), (1.0, {"OMP_WAIT_POLICY": "active"}, None)],
)
def test_a_busy_machine_gets_short_spins_and_a_choice_of_the_users_stands(
    others: float, chosen: dict[str, str], spins: str | None
) -> None:
    rest = {name: value for name, value in os.environ.items() if name not in (waiting.VARIABLE, "OMP_WAIT_POLICY")}
    done = subprocess.run(
        [sys.executable, "-c", SETTLED, str(others)], env=rest | chosen, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [spins, False]
