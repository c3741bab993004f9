"""TAP for test scripts: mark functions with @test; each is one test and its name is the sentence."""
import sys
import traceback

tests = []


class Skip(Exception):
    """Raised by a test that cannot run here; its text is the reason."""


def test(function):
    tests.append(function)
    return function


def sentence_of(function):
    return function.__name__.replace('_', ' ')


def main():
    """Run every marked function in order, print the report, exit 1 if one failed. --list: only print their names."""
    failed = 0
    if sys.argv[1:] == ['--list']:
        print('\n'.join(map(sentence_of, tests)))
        sys.exit(0)
    print(f'1..{len(tests)}', flush=True)
    for number, function in enumerate(tests, 1):
        sentence = sentence_of(function)
        try:
            function()
            print(f'ok {number} - {sentence}', flush=True)
        except Skip as reason:
            print(f'ok {number} - {sentence} # SKIP {reason}', flush=True)
        except Exception:  # whatever a test raises is its failure, and the next one still runs
            failed += 1
            for line in traceback.format_exc().splitlines():
                print('# ' + line)
            print(f'not ok {number} - {sentence}', flush=True)
    sys.exit(1 if failed else 0)
