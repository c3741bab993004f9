#!/usr/bin/python3
"""Run the models and their twins: model_test.py (MODEL TWIN PROGRAM)...

TWIN is empty for the model itself. A twin with its model is one test: the model holds over the real sources, and fails
with the planted bug. A model without a twin is a test of its own. What the programs print besides is passed on as
notes: states, schedules, and the schedule of a rule that was broken.
"""
import subprocess
import sys

TIMEOUT_S = 200


def run(program):
    """(did it end well, its notes, its results without their ok)."""
    try:
        done = subprocess.run([program], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return False, [f'# {program}: not done after {TIMEOUT_S} s'], ['takes too long']
    lines = done.stdout.splitlines() + ['# ' + line for line in done.stderr.splitlines()]
    notes = ['# ' + line if not line.startswith('#') else line for line in lines]
    results = [line.split(' - ', 1)[1] for line in lines if line.startswith(('ok - ', 'not ok - '))]
    return done.returncode == 0 and bool(results), notes, results or [f'{program} ends with {done.returncode}']


def main():
    words = sys.argv[1:]
    runs = [tuple(words[at:at + 3]) for at in range(0, len(words), 3)]
    with_twin = {model for model, twin, _ in runs if twin}
    holds, lines, failed = {}, [], False
    for model, twin, program in runs:
        good, notes, results = run(program)
        print('\n'.join(notes), flush=True)
        if not twin:
            holds[model] = good
            if model in with_twin:
                continue
            sentence = f'model "{model}": {len(results)} programs behave as they must'
        else:
            sentence = results[-1]
            if good and not holds.get(model, False):
                good, sentence = False, f'{sentence}; but so does model "{model}" without it'
        lines.append(f"{'ok' if good else 'not ok'} {len(lines) + 1} - {sentence}")
        failed = failed or not good
        print(lines[-1], flush=True)
    print(f'1..{len(lines)}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
