#!/usr/bin/python3
"""Count what ran, from the runners' own reports, and say whether that is good enough.

    report.py [--meson BUILD]... [--only SUITE]... [--without SUITE]... [--tap FILE]... [--expected FILE] --skips FILE

--meson BUILD    a build folder after `meson test`: which tests there are (intro-tests.json), how each program ended
                 (testlog.json), and what it reported: Criterion's XML, named by its --xml= argument, or TAP on stdout
--only SUITE     the run was of these suites (meson test --suite)
--without SUITE  the run left this suite out (meson test --no-suite)
--tap FILE       a TAP file of steps that meson does not run

A runner that should have reported and did not counts as one failure with its own name: nothing that died is silent.
The last line is `N passed, N failed, N skipped`; the exit status is 0 only if nothing failed, at least as many tests
ran as --expected says, and every skip has a line with its reason in --skips.
"""
import argparse
import json
import pathlib
import re
import sys
import xml.etree.ElementTree

PASSED, FAILED, SKIPPED = 'passed', 'failed', 'skipped'
REASON_LENGTH_MIN = 12  # "- `name`: no" is no reason


class Count:
    """Every test that reported, in the order in which it did: (state, name, what is known about it)."""

    def __init__(self):
        self.tests = []

    def add(self, state, name, detail=''):
        self.tests.append((state, name, detail))

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


def count_runner(count, test, log):
    """One test program of a meson run."""
    runner = test['suite'][0].split(':')[-1] + '/' + test['name']
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


def count_meson(count, build, only, without):
    build = pathlib.Path(build)
    try:
        tests = json.loads((build / 'meson-info/intro-tests.json').read_text())
        logs = [json.loads(line) for line in (build / 'meson-logs/testlog.json').read_text().splitlines()]
    except (OSError, ValueError) as error:
        count.add(FAILED, f'meson test in {build.name}', f'left no report: {error}')
        return
    by_command = {tuple(log['command']): log for log in logs}
    for test in tests:
        suites = {suite.split(':')[-1] for suite in test['suite']}
        if not suites & without and (suites & only or not only):
            count_runner(count, test, by_command.get(tuple(test['cmd'])))


def count_steps(count, file):
    try:
        text = pathlib.Path(file).read_text()
    except OSError as error:
        count.add(FAILED, pathlib.Path(file).name, f'left no report: {error}')
        return
    if count_tap(count, '', text) == 0:
        count.add(FAILED, pathlib.Path(file).name, 'is an empty report')


def reasons(file):
    """The lines "- `name of the test`: reason" of skips.md."""
    found = re.findall(r'^- `([^`]+)`[:,]?\s*(.*)$', pathlib.Path(file).read_text(), re.MULTILINE)
    return {name for name, reason in found if len(reason.strip()) >= REASON_LENGTH_MIN}


def judge(count, expected_file, skips_file):
    """Everything that is wrong, a sentence each."""
    wrong = [f'failed: {name}' + (f'\n        {detail}' if detail else '') for _, name, detail in count.of(FAILED)]
    explained = reasons(skips_file)
    for _, name, detail in count.of(SKIPPED):
        if name not in explained:
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
    parser.add_argument('--only', action='append', default=[])
    parser.add_argument('--without', action='append', default=[])
    parser.add_argument('--tap', action='append', default=[])
    parser.add_argument('--expected', help='without it any number will do, except none')
    parser.add_argument('--skips', required=True)
    options = parser.parse_args()

    count = Count()
    for build in options.meson:
        count_meson(count, build, set(options.only), set(options.without))
    for file in options.tap:
        count_steps(count, file)
    wrong = judge(count, options.expected, options.skips)
    for _, name, detail in count.of(SKIPPED):
        print(f'skipped: {name}' + (f' ({detail})' if detail else ''))
    for sentence in wrong:
        print(sentence)
    print(', '.join(f'{len(count.of(state))} {state}' for state in (PASSED, FAILED, SKIPPED)))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
