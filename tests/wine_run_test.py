#!/usr/bin/python3
"""What Wine does to a program is no success: .dev/wine-run, with a `wine` that does one thing each."""
import os
import pathlib
import subprocess
import tempfile

import tap
from tap import test

WINE_RUN = pathlib.Path(__file__).resolve().parent.parent / '.dev/wine-run'
COUNT = 'echo x >>"$COUNT"\n'
REPORT = 'echo "<testsuites/>" >"${2#--xml=}"\n'
NOT_SPAWNED = 'echo "Could not spawn test instance: No child processes" >&2; exit 3\n'


def run(script, *arguments, age=False):
    """(exit status, how often wine was called, stderr) of a program whose `wine` is this script."""
    with tempfile.TemporaryDirectory() as folder:
        wine, report, count = (pathlib.Path(folder, name) for name in ('wine', 'report.xml', 'count'))
        wine.write_text('#!/bin/sh\n' + COUNT + script, encoding='utf-8')
        wine.chmod(0o755)
        if age:
            report.write_text('<testsuites/>', encoding='utf-8')
        done = subprocess.run([WINE_RUN, folder, 'program.exe', *(arguments or [f'--xml={report}'])],
                              env={**os.environ, 'PATH': f'{folder}:{os.environ["PATH"]}', 'COUNT': str(count)},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return done.returncode, len(count.read_text(encoding='utf-8').split()), done.stderr


@test
def a_program_that_reports_ends_as_it_does():
    assert run(REPORT) == (0, 1, '')
    assert run(REPORT + 'exit 7\n') == (7, 1, '')


@test
def one_of_which_no_report_is_wanted_ends_as_it_does():
    assert run('exit 0\n', '--help') == (0, 1, '')
    assert run('exit 5\n', '--help') == (5, 1, '')


@test
def one_that_did_not_run_is_tried_again_and_is_never_a_success():
    status, calls, said = run('exit 0\n')
    assert (status, calls) == (70, 3) and 'left no report' in said, (status, calls, said)
    assert run('[ "$(wc -l <"$COUNT")" = 1 ] || ' + REPORT)[:2] == (0, 2)


@test
def an_old_report_is_none():
    assert run('exit 0\n', age=True)[:2] == (70, 3)


@test
def one_that_spoke_and_left_no_report_is_not_tried_again():
    status, calls, said = run('echo "something is wrong" >&2\n')
    assert (status, calls) == (70, 1) and 'something is wrong' in said, (status, calls, said)


@test
def a_runner_that_cannot_begin_a_test_is_tried_again_and_one_whose_test_failed_is_not():
    assert run(NOT_SPAWNED)[:2] == (3, 3)
    assert run('[ "$(wc -l <"$COUNT")" = 2 ] && { ' + REPORT.strip() + '; exit; }\n' + NOT_SPAWNED)[:2] == (0, 2)
    assert run('echo "[FAIL] suite::test" >&2\n' + NOT_SPAWNED)[:2] == (3, 1)


if __name__ == '__main__':
    tap.main()
