#!/usr/bin/python3
"""While both sides spin, no frame costs a system call: strace counts all calls of all threads over a run of 10^6."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, test  # noqa: E402

BENCH = str(pathlib.Path(os.environ['WEIR_BUILD_ROOT']) / 'bench' / 'weir-bench')
FRAMES_MIN = 1_000_000


def traced(wait):
    """(frames, system calls) of a run whose time doubles until it carried enough frames."""
    for seconds in (0.5, 1, 2, 4, 8, 16):
        with tempfile.NamedTemporaryFile(mode='r', suffix='.strace') as trace:
            out = subprocess.run(
                ['strace', '-f', '-c', '-o', trace.name, BENCH, '--size', '32', '--mode', 'latency', '--vs', 'none',
                 '--runs', '1', '--wait', wait, '--time', str(seconds), '--json'],
                capture_output=True, text=True, timeout=120, check=True).stdout
            total = [line for line in trace.read().splitlines() if line.endswith(' total')]
        frames = json.loads(out)['results'][0]['figures']['frames']['median']
        calls = int(total[-1].split()[3])
        if frames >= FRAMES_MIN or wait != 'spin':
            break
    return frames, calls


@test
def a_million_frames_cost_no_system_call_each_while_both_sides_spin():
    frames, calls = traced('spin')
    assert frames >= FRAMES_MIN, f'only {frames:.0f} frames'
    assert calls < frames / 100, f'{calls} calls for {frames:.0f} frames'  # set-up and clean-up: a few thousand


@test
def the_count_is_real_for_sleeping_sides_need_them():
    frames, calls = traced('block')
    assert calls > frames, f'{calls} calls for {frames:.0f} frames'


if __name__ == '__main__':
    main()
