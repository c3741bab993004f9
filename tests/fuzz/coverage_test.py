#!/usr/bin/python3
"""coverage_test.py PROGRAM NAME CORPUS FILE...: the replayed corpus reaches 95 % of the lines of the files under test.

PROGRAM is the replay with those files compiled for gcov into it. Its counters are removed first: they add up.
"""
import json
import pathlib
import subprocess
import sys

PERCENT_MIN = 95.0


def lines_of(program, file):
    """{line: times it ran} of one source, as gcov tells it."""
    objects = pathlib.Path(str(program) + '.p')
    counters = next(objects.glob(f"*{file.replace('/', '_')}.gcda"))
    told = subprocess.run(['gcov', '--json-format', '--stdout', counters.name], cwd=objects, capture_output=True,
                          text=True, check=True).stdout
    lines = {}
    for source in json.loads(told)['files']:
        if source['file'].endswith(file):
            for line in source['lines']:
                number = line['line_number']
                lines[number] = max(lines.get(number, 0), line['count'])
    return lines


def main():
    program, name, corpus, files = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3], sys.argv[4:]
    for counters in pathlib.Path(str(program) + '.p').glob('*.gcda'):
        counters.unlink()
    subprocess.run([program, name, corpus], check=True, stdout=subprocess.DEVNULL)
    reached = total = 0
    for file in files:
        lines = lines_of(program, file)
        missed = sorted(number for number, count in lines.items() if count == 0)
        print(f"# {file}: {len(lines) - len(missed)} of {len(lines)} lines, not {missed}")
        reached, total = reached + len(lines) - len(missed), total + len(lines)
    good = total > 0 and 100.0 * reached / total >= PERCENT_MIN
    print(f"{'' if good else 'not '}ok 1 - the corpus of {name} reaches {PERCENT_MIN:.0f} % of the lines under test")
    print('1..1')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
