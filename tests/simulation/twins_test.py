#!/usr/bin/python3
"""Run the simulation's twins: twins_test.py PROGRAM... Each has a bug planted and says whether a seed found it."""
import subprocess
import sys

TIMEOUT_S = 120


def run(program):
    """(did a seed find it, the sentence, notes)."""
    try:
        done = subprocess.run([program], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return False, f'{program}: not done after {TIMEOUT_S} s', []
    lines = done.stdout.splitlines()
    results = [line for line in lines if line.startswith(('ok - ', 'not ok - '))]
    notes = [line for line in lines + done.stderr.splitlines() if line not in results]
    if not results:
        return False, f'{program} ends with {done.returncode}', notes
    return done.returncode == 0 and results[-1].startswith('ok'), results[-1].split(' - ', 1)[1], notes


def main():
    failed = False
    print(f'1..{len(sys.argv) - 1}')
    for number, program in enumerate(sys.argv[1:], 1):
        good, sentence, notes = run(program)
        for note in notes[-5:]:
            print('# ' + note.lstrip('# '))
        print(f"{'ok' if good else 'not ok'} {number} - {sentence}", flush=True)
        failed = failed or not good
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
