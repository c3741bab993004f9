#!/usr/bin/python3
"""Count what ran, from the runners' own reports, and say whether that is good enough.

    report.py [--meson BUILD]... [--windows BUILD [--beside BUILD]] [--only SUITE]... [--without SUITE]...
              [--lacking SUITE]... [--tap FILE]... [--expected FILE] --skips FILE

--meson BUILD    a build folder after `meson test`: which tests there are (intro-tests.json), how each program ended
                 (testlog.json), and what it reported: Criterion's XML, named by its --xml= argument, or TAP on stdout
--windows BUILD  the same of a build for Windows; the names of its tests begin with "windows:"
--beside BUILD   a build folder of this system: each Criterion test that its programs have has run under --windows, too,
                 or has its reason in --skips (windows:PROGRAM, or windows:PROGRAM TEST; * stands for anything)
--only SUITE     the run was of these suites (meson test --suite)
--without SUITE  the run left this suite out (meson test --no-suite): its tests are not counted
--lacking SUITE  the run left it out because it could not be run here: each of its tests is a skip
--tap FILE       a TAP file of steps that meson does not run

A runner that should have reported and did not counts as one failure with its own name: nothing that died is silent.
The last line is `N passed, N failed, N skipped`; the exit status is 0 only if nothing failed, these three come to at
least what --expected says, and every skip has a line with its reason in --skips: the test's own name, or for what
--lacking left out the name of its program.
"""
import argparse
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

PASSED, FAILED, SKIPPED = 'passed', 'failed', 'skipped'
WINDOWS = 'windows:'
REASON_LENGTH_MIN = 12  # "- `name`: no" is no reason
LIST_SECONDS = 30


class Count:
    """Every test that reported, in the order in which it did: (state, name, what is known about it)."""

    def __init__(self):
        self.tests = []
        self.lacking = {}  # how many tests of each program were left out

    def add(self, state, name, detail=''):
        self.tests.append((state, name, detail))

    def leave_out(self, runner, names):
        self.lacking[runner] = len(names)
        for name in names:
            self.add(SKIPPED, f'{runner} {name}', 'left out')

    def of(self, state):
        return [test for test in self.tests if test[0] == state]


def count_criterion(count, runner, report, started):
    """Criterion's XML. Returns how many tests it told of; a file older than the run tells nothing."""
    try:
        if report.stat().st_mtime < started:
            return 0
        root = xml.etree.ElementTree.parse(report).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0
    told = 0
    for suite in root.iter('testsuite'):
        for case in suite.iter('testcase'):
            state = {'PASSED': PASSED, 'SKIPPED': SKIPPED}.get(case.get('status'), FAILED)
            detail = ' '.join(''.join(child.itertext()).strip() or child.get('message', '') for child in case)
            count.add(state, f"{runner} {suite.get('name')}::{case.get('name')}", detail)
            told += 1
    return told


TAP_LINE = re.compile(r'(not )?ok\b(?:\s+(\d+))?(?:\s+-)?\s*(.*)')
TAP_SKIP = re.compile(r'(.*?)\s*#\s*skip\S*\s*(.*)', re.IGNORECASE)


def count_tap(count, runner, text):
    """TAP. Returns how many tests it told of; a plan that is missing or was not kept is a failure of the runner."""
    told, plan, notes = 0, None, []
    for line in text.splitlines():
        match = TAP_LINE.match(line)
        if match:
            skip = TAP_SKIP.match(match[3])
            name = skip[1] if skip else match[3]
            state = FAILED if match[1] else SKIPPED if skip else PASSED
            count.add(state, f'{runner} {name}'.strip(), skip[2] if skip else ' '.join(notes[-3:]))
            told, notes = told + 1, []
        elif re.match(r'1\.\.\d+', line):
            plan = int(re.match(r'1\.\.(\d+)', line)[1])
        elif line.startswith('Bail out!'):
            count.add(FAILED, runner, line)
            return told + 1
        elif line.startswith('#'):
            notes.append(line[1:].strip())
    if told and plan != told:
        count.add(FAILED, runner, f"planned {'nothing' if plan is None else plan}, told of {told}")
    return told


def names_criterion(text):
    """The tests of `program --list`: a line for each suite, then one for each of its tests."""
    suite, names = '', []
    for line in text.splitlines():
        match = re.match(r'(\w+): \d+ tests?$', line)
        if match:
            suite = match[1]
        elif line[:1] in ('\u251c', '\u2514'):  # the branches of a tree
            names.append(f'{suite}::{line.split()[1]}')
    return names


def names_of(test):
    """What a program that is not run says which tests it has."""
    command = [*test['cmd'][:1 if is_criterion(test) else None], '--list']
    done = subprocess.run(command, env=dict(os.environ, **test.get('env', {})), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=LIST_SECONDS, check=True)
    return names_criterion(done.stdout) if is_criterion(test) else done.stdout.splitlines()


def leave_out(count, test, runner):
    """One test program that could not be run here."""
    try:
        names = names_of(test)
    except (OSError, subprocess.SubprocessError) as error:
        count.add(FAILED, runner, f'was left out and does not tell its tests: {error}')
        return
    if names:
        count.leave_out(runner, names)
    else:
        count.add(FAILED, runner, 'was left out and names no test')


def name_of(test, system=''):
    return system + test['suite'][0].split(':')[-1] + '/' + test['name']


def is_criterion(test):
    return any(argument.startswith('--xml=') for argument in test['cmd'])


def count_runner(count, test, runner, log):
    """One test program of a meson run."""
    if log is None:
        count.add(FAILED, runner, 'was not run')
        return
    failed_before = len(count.of(FAILED))
    report = [argument[len('--xml='):] for argument in test['cmd'] if argument.startswith('--xml=')]
    if report:
        told = count_criterion(count, runner, pathlib.Path(report[0]), log['starttime'])
    else:
        told = count_tap(count, runner, log.get('stdout', ''))
    ended_well = log['result'] in ('OK', 'SKIP')
    if told == 0:
        count.add(FAILED, runner, f"died without a report ({log['result']}, status {log['returncode']})")
    elif not ended_well and len(count.of(FAILED)) == failed_before:
        count.add(FAILED, runner, f"reported no failure and ended badly ({log['result']}, status {log['returncode']})")


def log_of(test, logs):
    """What meson wrote of it: where programs of another system run, behind the words that run them."""
    return next((log for log in logs if log['command'][-len(test['cmd']):] == test['cmd']), None)


def count_meson(count, build, only, without, lacking, system=''):
    build = pathlib.Path(build)
    try:
        tests = json.loads((build / 'meson-info/intro-tests.json').read_text())
        logs = [json.loads(line) for line in (build / 'meson-logs/testlog.json').read_text().splitlines()]
    except (OSError, ValueError) as error:
        count.add(FAILED, f'meson test in {build.name}', f'left no report: {error}')
        return
    for test in tests:
        suites = {suite.split(':')[-1] for suite in test['suite']}
        if suites & without or only and not suites & only:
            continue
        runner = name_of(test, system)
        if suites & lacking:
            leave_out(count, test, runner)
        else:
            count_runner(count, test, runner, log_of(test, logs))


class Beside:
    """Which Criterion tests of this system are Windows' as well. A program that is run more than once, each time in
    another environment, has each of its tests once; and so has one that is run with many parameters."""

    def __init__(self, count, build):
        ran = [name.split(' ', 1) for _, name, _ in count.tests if name.startswith(WINDOWS)]
        programs, origin = {}, {}
        for test in json.loads((pathlib.Path(build) / 'meson-info/intro-tests.json').read_text()):
            if is_criterion(test):
                programs.setdefault(test['cmd'][0], []).append(test)
        for runs in programs.values():
            runs.sort(key=lambda test: len(test['name']))  # the further ones have a word behind their name
            origin.update({name_of(test, WINDOWS): name_of(runs[0], WINDOWS) for test in runs})
        there = {' '.join([origin.get(name[0], name[0]), *name[1:]]) for name in ran}
        self.runs_absent = set(origin) - set(origin.values()) - {name[0] for name in ran}
        self.shared, self.absent = set(), {}
        for test, *_ in programs.values():
            runner = name_of(test, WINDOWS)
            try:
                names = {f'{runner} {name}' for name in names_of(test)}
            except (OSError, subprocess.SubprocessError) as error:
                count.add(FAILED, name_of(test), f'does not tell its tests: {error}')
                continue
            self.shared |= names & there
            self.absent.update({name: runner for name in names - there})
        self.own = there - self.shared
        self.skipped = {name for _, name, _ in count.of(SKIPPED)} | set(count.lacking)

    def wrong(self, explained, skips_file):
        patterns = [name for name in explained if name.startswith(WINDOWS)]
        idle = set(patterns)
        for name, runner in sorted(self.absent.items() | {(run, run) for run in self.runs_absent}):
            reason = [pattern for pattern in patterns
                      if fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(runner, pattern)]
            idle -= set(reason)
            if not reason:
                yield f'not on Windows without a reason in {skips_file}: {name}'
        for pattern in sorted(idle - self.skipped):
            yield f'{skips_file} has a reason for what is not absent: {pattern}'

    def __str__(self):
        every = len(self.shared) + len(self.absent)
        return (f'Criterion tests of both systems: {len(self.shared)}; of Linux alone: {len(self.absent)} '
                f'({len(self.absent) * 100 / max(every, 1):.0f} %); of Windows alone: {len(self.own)}')


def count_steps(count, file):
    try:
        text = pathlib.Path(file).read_text()
    except OSError as error:
        count.add(FAILED, pathlib.Path(file).name, f'left no report: {error}')
        return
    if count_tap(count, '', text) == 0:
        count.add(FAILED, pathlib.Path(file).name, 'is an empty report')


def reasons(file):
    """The items "- `name of the test`: reason" of skips.md; their further lines are indented."""
    found = re.findall(r'^- `([^`]+)`[:,]?\s*(.*(?:\n  .*)*)$', pathlib.Path(file).read_text(), re.MULTILINE)
    return {name for name, reason in found if len(reason.strip()) >= REASON_LENGTH_MIN}


def judge(count, beside, expected_file, skips_file):
    """Everything that is wrong, a sentence each."""
    wrong = [f'failed: {name}' + (f'\n        {detail}' if detail else '') for _, name, detail in count.of(FAILED)]
    explained = reasons(skips_file)
    if beside:
        wrong.extend(beside.wrong(explained, skips_file))
    for runner in count.lacking:
        if runner not in explained:
            wrong.append(f'left out without a reason in {skips_file}: {runner}')
    for _, name, detail in count.of(SKIPPED):
        if name not in explained and name.split(' ', 1)[0] not in count.lacking:
            wrong.append(f'skipped without a reason in {skips_file}: {name}' + (f' ({detail})' if detail else ''))
    expected = int(pathlib.Path(expected_file).read_text().split()[0]) if expected_file else 1
    if len(count.tests) < expected:
        wrong.append(f'{len(count.tests)} tests reported, {expected_file} expects at least {expected}')
    if not count.tests:
        wrong.append('no report came')
    return wrong


def main():
    parser = argparse.ArgumentParser(description='count tests from their reports')
    parser.add_argument('--meson', action='append', default=[])
    parser.add_argument('--windows', action='append', default=[])
    parser.add_argument('--beside')
    parser.add_argument('--only', action='append', default=[])
    parser.add_argument('--without', action='append', default=[])
    parser.add_argument('--lacking', action='append', default=[])
    parser.add_argument('--tap', action='append', default=[])
    parser.add_argument('--expected', help='without it any number will do, except none')
    parser.add_argument('--skips', required=True)
    options = parser.parse_args()

    count = Count()
    for build in options.meson:
        count_meson(count, build, set(options.only), set(options.without), set(options.lacking))
    for build in options.windows:
        count_meson(count, build, set(options.only), set(options.without), set(options.lacking), WINDOWS)
    for file in options.tap:
        count_steps(count, file)
    beside = Beside(count, options.beside) if options.beside else None
    wrong = judge(count, beside, options.expected, options.skips)
    for runner, number in count.lacking.items():
        print(f'left out: the {number} tests of {runner}')
    for _, name, detail in count.of(SKIPPED):
        if name.split(' ', 1)[0] not in count.lacking:
            print(f'skipped: {name}' + (f' ({detail})' if detail else ''))
    for sentence in wrong:
        print(sentence)
    if beside:
        print(beside)
    print(', '.join(f'{len(count.of(state))} {state}' for state in (PASSED, FAILED, SKIPPED)))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
