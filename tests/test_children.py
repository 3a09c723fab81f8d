"""A process that another one started ends with it, however it ends, and leaves Ctrl-C to it."""

import signal
import subprocess
import sys

from tests.conftest import wait_for_end_of

PROGRAM = """
import multiprocessing, os, signal, sys, time
from seefar.children import enter_child

def work(ready):
    enter_child()
    os.kill(os.getpid(), signal.SIGINT)
    ready.put(os.getpid())
    time.sleep(60)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ready = context.Queue()
    context.Process(target=work, args=(ready,)).start()
    print(ready.get(), flush=True)
    time.sleep(60)
"""


def test_a_child_ends_with_its_parent_and_ignores_ctrl_c(tmp_path: object) -> None:
    path = f"{tmp_path}/program.py"
    with open(path, "w") as file:  # noqa: PTH123
        file.write(PROGRAM)
    with subprocess.Popen([sys.executable, path], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        child = program.stdout.readline().strip()
        assert child
        program.send_signal(signal.SIGKILL)
    wait_for_end_of([child])
