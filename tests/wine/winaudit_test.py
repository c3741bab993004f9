"""The audit of a Windows machine, under Wine: it knows where it is, judges each line, and leaves nothing behind.

What Wine does otherwise than Windows it says for each line; anything else that differs is a failure. Speaks TAP.
"""
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, test  # noqa: E402

PROGRAM = Path(os.environ['WEIR_BUILD_ROOT']) / 'clients' / 'winaudit' / 'weir-winaudit.exe'
PATIENCE_S = 120
LINE = re.compile(r'(as expected|different|not applicable|differs under Wine \(known\)): .+; expected: .+')
TOTALS = re.compile(r'(\d+) as expected, (\d+) different, (\d+) not applicable')
SERVICE = r'HKLM\System\CurrentControlSet\Services\weir-winaudit'


def audit(*options):
    return subprocess.run(['wine', str(PROGRAM), *options], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE_S, check=False)


def lines_of(done):
    """Those of checks, whole; the totals of the last line."""
    lines = done.stdout.splitlines()
    checks = [line for line in lines[1:-1] if line and not line.startswith('#') and 'as known' not in line]
    for line in checks:
        assert LINE.fullmatch(line), line
    totals = TOTALS.fullmatch(lines[-1])
    assert totals, done.stdout[-500:] + done.stderr
    return checks, [int(count) for count in totals.groups()]


def assert_nothing_is_left():
    prefix = Path(os.environ.get('WINEPREFIX') or Path.home() / '.wine')
    assert not list(prefix.glob('drive_c/**/weir-winaudit')), 'a folder is left'
    query = subprocess.run(['wine', 'reg', 'query', SERVICE], stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=PATIENCE_S, check=False)
    assert query.returncode != 0, 'a service is left'


@test
def nothing_differs_but_what_is_known_of_wine():
    done = audit()
    checks, (expected, different, not_applicable) = lines_of(done)
    assert done.returncode == 0, done.stdout
    assert different == 0 and expected >= 40 and not_applicable >= 100, (expected, different, not_applicable)
    assert expected + not_applicable == len(checks), len(checks)
    assert sum(line.startswith('as expected') for line in checks) == expected
    assert_nothing_is_left()


@test
def an_expectation_that_is_turned_round_is_called_different():
    plain, turned = lines_of(audit())[1], audit('--self-test')
    checks, totals = lines_of(turned)
    assert turned.returncode == 1, turned.stdout
    assert totals == [plain[0] - 1, 1, plain[2]], (plain, totals)
    different = [line for line in checks if line.startswith('different')]
    assert len(different) == 1 and 'anything but' in different[0], different


@test
def the_self_test_fails_where_no_line_can_be_turned_round():
    done = audit('--self-test', '--theme', 'names')
    assert done.returncode == 2 and 'the self-test failed' in done.stdout, done.stdout


@test
def what_cannot_be_tried_without_an_option_is_not_applicable():
    checks, totals = lines_of(audit('--theme', 'session-zero'))
    assert totals[:2] == [0, 0], totals
    assert sum('only with --service' in line for line in checks) == len(checks), checks


@test
def with_the_option_a_service_is_installed_asked_and_removed():
    done = audit('--theme', 'session-zero', '--service')
    checks, totals = lines_of(done)
    assert done.returncode == 0 and totals[:2] == [4, 0], done.stdout
    assert any('-> 5 refused' in line and 'service' in line for line in checks), checks
    assert_nothing_is_left()


@test
def an_audit_that_was_killed_is_no_hindrance_to_the_next():
    killed = subprocess.Popen(['wine', str(PROGRAM)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    for line in killed.stdout:
        if 'stripped token' in line:  # children run by now
            break
    killed.kill()
    killed.communicate(timeout=PATIENCE_S)
    done = audit()
    assert done.returncode == 0, done.stdout + done.stderr
    assert_nothing_is_left()


@test
def an_audit_that_is_interrupted_takes_away_what_it_made():
    stopped = subprocess.Popen(['wine', str(PROGRAM)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    for line in stopped.stdout:
        if 'stripped token' in line:  # its copy is there by now
            break
    stopped.send_signal(signal.SIGINT)
    said = stopped.communicate(timeout=PATIENCE_S)[1]
    assert stopped.returncode == 1 and 'interrupted' in said, (stopped.returncode, said)
    assert_nothing_is_left()


@test
def a_second_audit_beside_the_first_is_refused():
    first = subprocess.Popen(['wine', str(PROGRAM)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    first.stdout.readline()
    first.send_signal(signal.SIGSTOP)
    try:
        second = audit()
    finally:
        first.send_signal(signal.SIGCONT)
    first.communicate(timeout=PATIENCE_S)
    assert second.returncode == 64 and 'another one runs' in second.stderr, second.stdout
    assert first.returncode == 0, first.returncode


@test
def what_is_not_understood_is_said():
    for options in (['--bogus'], ['--theme'], ['--theme', 'nothing'], ['--hosted', 'x']):
        done = audit(*options)
        assert done.returncode == 64 and '--help' in done.stderr, (options, done.stdout, done.stderr)


@test
def the_list_of_checks_is_that_of_the_run():
    listed = [line.strip() for line in audit('--list').stdout.splitlines() if line.startswith(' ')]
    tried = lines_of(audit())[0]
    assert len(listed) == len(set(listed)) == len(tried), (len(listed), len(tried))
    for name, line in zip(listed, tried):
        assert f': {name}: ' in line, (name, line)


main()
