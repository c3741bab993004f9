#!/usr/bin/python3
"""The counter must see what it is there to see: each test here hands it one broken report."""
import json
import pathlib
import subprocess
import tempfile
import time

import tap
from tap import test

REPORT = pathlib.Path(__file__).resolve().parent.parent / '.dev/report.py'
CASE = '<testcase name="{}" assertions="1" status="{}" time="0.0">{}</testcase>'


class Run:
    """A build folder as meson and its runners leave it, to be spoiled by a test."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        (self.path / 'meson-info').mkdir()
        (self.path / 'meson-logs').mkdir()
        self.tests, self.logs, self.expected, self.skips, self.options = [], [], 1, '', []

    def criterion(self, name, cases, result='OK', status=0, age_s=0):
        report = self.path / f'{name}.xml'
        if cases is not None:
            body = ''.join(CASE.format(case, state, '') for case, state in cases)
            report.write_text(f'<testsuites><testsuite name="s">{body}</testsuite></testsuites>')
        self._ran(name, 'unit', [name, f'--xml={report}'], '', result, status, time.time() - 60 + age_s)

    def tap(self, name, text, result='OK', status=0, suite='e2e'):
        self._ran(name, suite, [name], text, result, status, time.time())

    def _ran(self, name, suite, command, stdout, result, status, started):
        self.tests.append({'name': name, 'suite': [f'weir:{suite}'], 'cmd': command})
        self.logs.append({'command': command, 'stdout': stdout, 'result': result, 'returncode': status,
                          'starttime': started})

    def report(self):
        """(exit status, last line, everything) of the counter over this folder."""
        (self.path / 'meson-info/intro-tests.json').write_text(json.dumps(self.tests))
        (self.path / 'meson-logs/testlog.json').write_text('\n'.join(map(json.dumps, self.logs)))
        (self.path / 'expected').write_text(f'{self.expected}\n')
        (self.path / 'skips.md').write_text(self.skips)
        done = subprocess.run(['/usr/bin/python3', REPORT, '--meson', self.path, '--expected', self.path / 'expected',
                               '--skips', self.path / 'skips.md', *self.options],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()[-1], done.stdout


def expect(run, status, line, *words):
    got_status, got_line, text = run.report()
    assert (got_status, got_line) == (status, line), text
    for word in words:
        assert word in text, f'{word!r} is not in:\n{text}'


@test
def what_passed_is_counted_test_by_test():
    run = Run()
    run.criterion('lane', [('a', 'PASSED'), ('b', 'PASSED')])
    run.tap('ls', '1..2\nok 1 - one\nok 2 - two\n')
    run.expected = 4
    expect(run, 0, '4 passed, 0 failed, 0 skipped')


@test
def a_failed_criterion_test_is_named_and_fails_the_run():
    run = Run()
    run.criterion('lane', [('a', 'PASSED'), ('b', 'FAILED')], 'FAIL', 1)
    expect(run, 1, '1 passed, 1 failed, 0 skipped', 'failed: unit/lane s::b')


@test
def a_crashed_criterion_test_is_a_failure():
    run = Run()
    run.criterion('lane', [('a', 'ERRORED')], 'FAIL', 1)
    expect(run, 1, '0 passed, 1 failed, 0 skipped')


@test
def a_failed_line_of_tap_is_named_and_fails_the_run():
    run = Run()
    run.tap('ls', '1..2\nok 1 - one\n# it was two\nnot ok 2 - two\n', 'FAIL', 1)
    expect(run, 1, '1 passed, 1 failed, 0 skipped', 'failed: e2e/ls two', 'it was two')


@test
def a_runner_without_a_report_is_a_failure_with_its_name():
    run = Run()
    run.criterion('lane', None, 'FAIL', -11)
    run.tap('ls', '', 'ERROR', 139)
    expect(run, 1, '0 passed, 2 failed, 0 skipped', 'unit/lane', 'e2e/ls', 'died without a report')


@test
def a_silent_runner_is_a_failure_even_if_it_ends_with_0():
    run = Run()
    run.tap('ls', '')
    expect(run, 1, '0 passed, 1 failed, 0 skipped')


@test
def a_report_of_an_earlier_run_is_no_report():
    run = Run()
    run.criterion('lane', [('a', 'PASSED')], age_s=3600)
    expect(run, 1, '0 passed, 1 failed, 0 skipped', 'died without a report')


@test
def a_broken_report_is_no_report():
    run = Run()
    run.criterion('lane', [('a', 'PASSED')])
    (run.path / 'lane.xml').write_text('<testsuites><testsuite name="s"><testcase')
    expect(run, 1, '0 passed, 1 failed, 0 skipped', 'died without a report')


@test
def a_runner_that_stops_before_its_plan_is_done_is_a_failure():
    run = Run()
    run.tap('ls', '1..3\nok 1 - one\n')
    expect(run, 1, '1 passed, 1 failed, 0 skipped', 'planned 3, told of 1')


@test
def a_runner_without_a_plan_is_a_failure():
    run = Run()
    run.tap('ls', 'ok 1 - one\n')
    expect(run, 1, '1 passed, 1 failed, 0 skipped', 'planned nothing')


@test
def a_runner_that_bails_out_is_a_failure():
    run = Run()
    run.tap('ls', '1..1\nok 1 - one\nBail out! no broker\n')
    expect(run, 1, '1 passed, 1 failed, 0 skipped', 'no broker')


@test
def a_bad_exit_status_behind_good_tests_is_a_failure():
    run = Run()
    run.criterion('lane', [('a', 'PASSED')], 'FAIL', 23)
    expect(run, 1, '1 passed, 1 failed, 0 skipped', 'ended badly')


@test
def a_test_that_was_not_run_is_a_failure():
    run = Run()
    run.tap('ls', '1..1\nok 1 - one\n')
    run.tests.append({'name': 'lost', 'suite': ['weir:e2e'], 'cmd': ['lost']})
    expect(run, 1, '1 passed, 1 failed, 0 skipped', 'failed: e2e/lost', 'was not run')


@test
def a_suite_that_was_left_out_on_purpose_is_not_missed():
    run = Run()
    run.tap('ls', '1..1\nok 1 - one\n')
    run.tests.append({'name': 'long', 'suite': ['weir:stress', 'weir:slow'], 'cmd': ['long']})
    run.options = ['--without', 'slow']
    expect(run, 0, '1 passed, 0 failed, 0 skipped')


def program(run, name, body):
    """A test program of the suite 'root' that was not run and is asked for its tests."""
    file = run.path / name
    file.write_text(f'#!/bin/sh\n[ "$*" = --list ] || exit 9\n{body}\n', encoding='utf-8')
    file.chmod(0o755)
    return file


def lacking(criterion_body, tap_body, skips):
    """A run that passed one test and could not run two programs."""
    run = Run()
    run.tap('ls', '1..1\nok 1 - one\n')
    run.tests += [{'name': 'owner', 'suite': ['weir:unit', 'weir:root'], 'env': {'WORD': 'two'},
                   'cmd': [str(program(run, 'owner', criterion_body)), '-j1', '--xml=owner.xml']},
                  {'name': 'user', 'suite': ['weir:e2e', 'weir:root'], 'env': {'WORD': 'four'},
                   'cmd': [str(program(run, 'user', tap_body))]}]
    run.options, run.skips, run.expected = ['--lacking', 'root'], skips, 5
    return run


LIST_CRITERION = "printf 's: 2 tests\\n├── one\\n└── %s\\nt: 1 test\\n└── three\\n' $WORD"
LIST_TAP = 'echo "becomes $WORD"'
LACKING_SKIPS = '- `unit/owner`: gives files to other users\n- `e2e/user`: becomes another user\n'


@test
def what_cannot_be_run_here_is_skipped_test_by_test_and_counts():
    run = lacking(LIST_CRITERION, LIST_TAP, LACKING_SKIPS)
    expect(run, 0, '1 passed, 0 failed, 4 skipped', 'left out: the 3 tests of unit/owner', 'the 1 tests of e2e/user')


@test
def what_cannot_be_run_here_needs_a_reason_too():
    run = lacking(LIST_CRITERION, LIST_TAP, '- `e2e/user`: becomes another user\n')
    expect(run, 1, '1 passed, 0 failed, 4 skipped', 'left out without a reason', 'unit/owner')


@test
def what_cannot_be_run_here_and_does_not_tell_its_tests_is_a_failure():
    run = lacking('exit 1', 'true', LACKING_SKIPS)
    run.expected = 1
    expect(run, 1, '1 passed, 2 failed, 0 skipped', 'unit/owner', 'does not tell its tests', 'names no test')


@test
def the_reason_of_a_program_excuses_no_test_of_it_that_skips_itself():
    run = lacking(LIST_CRITERION, LIST_TAP, LACKING_SKIPS + '- `e2e/ls`: becomes another user, too\n')
    run.tap('ls', '1..1\nok 1 - two # SKIP\n')
    run.tests[-1]['cmd'] = run.logs[-1]['command'] = ['ls', 'again']
    expect(run, 1, '1 passed, 0 failed, 5 skipped', 'skipped without a reason', 'e2e/ls two')


@test
def fewer_tests_than_expected_fail_the_run():
    run = Run()
    run.tap('ls', '1..1\nok 1 - one\n')
    run.expected = 2
    expect(run, 1, '1 passed, 0 failed, 0 skipped', 'expects at least 2')


@test
def no_report_at_all_fails_the_run():
    run = Run()
    run.expected = 0
    expect(run, 1, '0 passed, 0 failed, 0 skipped', 'no report came')


@test
def a_missing_log_is_a_failure():
    run = Run()
    run.options = ['--meson', run.path / 'nowhere', '--tap', run.path / 'nothing.tap']
    run.tap('ls', '1..1\nok 1 - one\n')
    expect(run, 1, '1 passed, 2 failed, 0 skipped', 'left no report')


@test
def a_skip_without_a_reason_fails_the_run():
    run = Run()
    run.tap('ls', '1..2\nok 1 - one\nok 2 - two # SKIP no such kernel\n')
    expect(run, 1, '1 passed, 0 failed, 1 skipped', 'skipped without a reason')


@test
def a_skip_whose_line_says_nothing_fails_the_run():
    run = Run()
    run.tap('ls', '1..1\nok 1 - two # SKIP\n')
    run.skips = '- `e2e/ls two`: because\n'
    expect(run, 1, '0 passed, 0 failed, 1 skipped')


@test
def a_skip_with_its_reason_passes():
    run = Run()
    run.tap('ls', '1..1\nok 1 - two # SKIP\n')
    run.criterion('lane', [('a', 'SKIPPED')])
    run.skips = ('- `e2e/ls two`: needs a kernel with SO_PASSRIGHTS\n'
                 '- `unit/lane s::a`: needs a machine with two sockets\n')
    run.expected = 2
    expect(run, 0, '0 passed, 0 failed, 2 skipped')


def beside(skips, windows=(('one', 'PASSED'), ('one', 'PASSED'))):
    """One program that ran here and for Windows, and one that only this system has."""
    run, other = Run(), Run()
    run.criterion('lane', [('one', 'PASSED'), ('two', 'PASSED')])
    run.criterion('user', [('three', 'PASSED')])
    for test, names in zip(run.tests, (('one', 'two'), ('three',))):
        body = f'printf "s: {len(names)} tests\\n' + ''.join(f'├── {name}\\n' for name in names) + '"'
        test['cmd'][0] = str(program(run, test['name'] + '_test', body))
    other.criterion('lane', windows)
    other.tests[0]['cmd'], other.logs[0]['command'] = (['lane.exe', *other.tests[0]['cmd'][1:]],
                                                       ['env', 'A=b', 'wine', 'lane.exe', *other.tests[0]['cmd'][1:]])
    other.report()
    run.options, run.skips = ['--windows', other.path, '--beside', run.path], skips
    run.other = other  # its folder lasts as long as the run
    return run


BESIDE_SKIPS = '- `windows:unit/lane s::two`: has no such signal\n- `windows:unit/user`: has no such numbers\n'


@test
def tests_of_windows_are_counted_and_those_of_both_systems_told():
    run = beside(BESIDE_SKIPS)
    expect(run, 0, '5 passed, 0 failed, 0 skipped', 'both systems: 1; of Linux alone: 2 (67 %); of Windows alone: 0')
    run = beside(BESIDE_SKIPS, (('one', 'PASSED'), ('own', 'FAILED')))
    expect(run, 1, '4 passed, 1 failed, 0 skipped', 'windows:unit/lane s::own', 'of Windows alone: 1')


@test
def what_is_not_on_windows_needs_a_reason_for_the_test_or_for_its_program():
    expect(beside('- `windows:unit/user`: has no such numbers\n'), 1, '5 passed, 0 failed, 0 skipped',
           'not on Windows without a reason', 'windows:unit/lane s::two')
    expect(beside('- `windows:unit/*`: has nothing of it\n'), 0, '5 passed, 0 failed, 0 skipped')


@test
def a_program_that_runs_more_than_once_has_each_test_once():
    def run(skips, windows):
        """lane runs once more here, as lane_far; and there, where it is said."""
        once, far = beside(BESIDE_SKIPS + skips, (('one', 'PASSED'),)), Run()
        for of in (once, *([once.other] if windows else [])):
            far.criterion('lane_far', [('one', 'PASSED'), ('two', 'PASSED')])
            test, log = far.tests.pop(), far.logs.pop()
            test['cmd'][0] = log['command'][0] = of.tests[0]['cmd'][0]
            of.tests.append(test)
            of.logs.append(log)
        once.far = far  # its reports last as long as the run
        once.other.report()
        return once

    expect(run('', windows=False), 1, '6 passed, 0 failed, 0 skipped',
           'not on Windows without a reason', 'windows:unit/lane_far')
    expect(run('- `windows:unit/*_far`: there is nothing far away\n', windows=False), 0,
           '6 passed, 0 failed, 0 skipped', 'both systems: 1; of Linux alone: 2 (67 %); of Windows alone: 0')
    expect(run('', windows=True), 1, '8 passed, 0 failed, 0 skipped',
           'both systems: 2; of Linux alone: 1 (33 %); of Windows alone: 0',
           'a reason for what is not absent: windows:unit/lane s::two')


@test
def a_reason_that_is_left_over_fails_the_run():
    run = beside(BESIDE_SKIPS + '- `windows:unit/lane s::one`: has been mended since\n')
    run.skips += '- `windows:unit/memory`: is no program any more\n'
    expect(run, 1, '5 passed, 0 failed, 0 skipped', 'a reason for what is not absent: windows:unit/memory',
           'a reason for what is not absent: windows:unit/lane s::one')


@test
def a_program_of_this_system_that_does_not_tell_its_tests_is_a_failure():
    run = beside(BESIDE_SKIPS)
    pathlib.Path(run.tests[1]['cmd'][0]).unlink()
    expect(run, 1, '5 passed, 1 failed, 0 skipped', 'does not tell its tests', 'failed: unit/user')


if __name__ == '__main__':
    tap.main()
