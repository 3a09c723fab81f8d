"""After pictures of 16 million pixels the process is as small as before."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import io, os, threading
from PIL import Image
from seefar.data.decode import decode
from seefar.serving.freed_memory import give_back_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20

file = io.BytesIO()
Image.new("1", (4000, 4000)).save(file, "PNG")
give_back_freed_memory()
decode(file.getvalue(), 32)
before = resident()
for _ in range(3):
    threads = [threading.Thread(target=decode, args=(file.getvalue(), 32)) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc here")
def test_what_large_pictures_took_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20
