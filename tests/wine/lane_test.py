"""One file mapping, two systems: a Windows program under Wine and a Linux program exchange frames, both ways.

The layout in memory is the same on both, so the bytes that one wrote are frames to the other. Wine's drive Z: is the
root of Linux, and a file of /dev/shm that both map is one memory. Speaks TAP.
"""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, test  # noqa: E402

NATIVE = Path(os.environ['WEIR_SOURCE_ROOT']) / 'build' / 'tests' / 'wine' / 'lane_end'
WINDOWS = Path(os.environ['WEIR_BUILD_ROOT']) / 'tests' / 'wine' / 'lane_end.exe'
PATIENCE_S = 120
FRAMES = 5000
RING, HEAP, INLINE, CONTROL, PAGE = 4096, 1 << 20, 512, 4096, 4096
STARTS = (0, (1 << 32) - 2048)  # a lap passes where a word of 32 bits would turn over


def linux(role, path):
    return [str(NATIVE), role, str(path)]


def windows(role, path):
    return ['wine', str(WINDOWS), role, 'Z:' + str(path).replace('/', '\\')]


def exchange(writer, reader, start):
    """The reader's last line, or what went wrong."""
    path = Path(f'/dev/shm/weir-lane-test-{os.getpid()}')
    numbers = [str(n) for n in (FRAMES, RING, HEAP, INLINE, start)]
    with open(path, 'wb') as file:
        file.truncate(CONTROL + RING + HEAP + PAGE)
    try:
        first = subprocess.Popen(writer('write', path) + numbers, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        begins = first.stdout.readline().split()
        second = subprocess.run(reader('read', path) + numbers + begins, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        said = first.communicate(timeout=PATIENCE_S)[1]
        if first.returncode or second.returncode:
            return f'writer {first.returncode} {said.strip()}, reader {second.returncode} {second.stderr.strip()}'
        return second.stdout.strip()
    finally:
        if first.poll() is None:
            first.kill()
        path.unlink()


def both_starts(writer, reader):
    for start in STARTS:
        wanted = exchange(linux, linux, start)
        assert f'frames {FRAMES} ' in wanted, wanted
        found = exchange(writer, reader, start)
        assert found == wanted, f'from position {start}: {found}; linux to linux: {wanted}'


@test
def what_linux_writes_windows_reads():
    both_starts(linux, windows)


@test
def what_windows_writes_linux_reads():
    both_starts(windows, linux)


@test
def what_windows_writes_windows_reads():
    both_starts(windows, windows)


main()
