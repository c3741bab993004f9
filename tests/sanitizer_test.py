#!/usr/bin/python3
"""The sanitizer runs of ./dev see what they are there for: a leak in a Criterion test, an overrun, undefined behaviour,
a race. Each is a small program with that fault, compiled and judged as ./dev does it."""
import pathlib
import subprocess
import tempfile

import tap
from tap import test

ROOT = pathlib.Path(__file__).resolve().parent.parent
CRITERION = '#include <criterion/criterion.h>\n#include <stdlib.h>\nvolatile int one = 1;\nTest(a, test)\n{\n%s\n}\n'
RACE = '''
#include <pthread.h>
#include <stdatomic.h>
static %s int count;
static atomic_int here;
static void *
add(void *unused)
{
        atomic_fetch_add_explicit(&here, 1, memory_order_relaxed); /* both at once; it orders nothing */
        while (atomic_load_explicit(&here, memory_order_relaxed) < 2)
                ;
        for (int i = 0; i < 1000; i++)
                count += 1;
        return unused;
}
int
main(void)
{
        pthread_t thread[2];
        for (int i = 0; i < 2; i++)
                pthread_create(&thread[i], NULL, add, NULL);
        for (int i = 0; i < 2; i++)
                pthread_join(thread[i], NULL);
        return 0;
}
'''


def judged(code, compiler, options, judge):
    """The exit status of ./dev's own judgement over a program."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = pathlib.Path(folder, 'fault.c'), pathlib.Path(folder, 'fault')
        source.write_text(code, encoding='utf-8')
        subprocess.run([compiler, '-g', source, '-o', program, *options], check=True)
        script = f'. .dev/setup.sh; . .dev/test.sh; {judge}'
        return subprocess.run(['bash', '-euo', 'pipefail', '-c', script, 'judge', program, f'{folder}/findings'],
                              cwd=ROOT, capture_output=True, check=False).returncode


def address(body):
    return judged(CRITERION % body, 'gcc', ['-fsanitize=address,undefined', '-lcriterion'],
                  'status=0; sanitizers_tell "$2"; "$1" || status=1; sanitizers_found_nothing "$2" && exit $status')


@test
def a_good_criterion_test_leaves_no_finding():
    assert address('free(malloc(40)); cr_assert(one);') == 0


@test
def a_leak_in_a_criterion_test_that_passes_is_found():
    assert address('void *volatile lost = malloc(40); lost = NULL; cr_assert(lost == NULL);') != 0


@test
def an_overrun_in_a_criterion_test_is_found():
    assert address('char *bytes = malloc(40); bytes[40 * one] = 1; free(bytes);') != 0


@test
def undefined_behaviour_in_a_criterion_test_is_found():
    assert address('cr_assert(1 << (one + 40));') != 0


@test
def a_race_is_found_and_an_atomic_count_is_none():
    for kind, races in (('', True), ('_Atomic', False)):
        status = judged(RACE % kind, 'clang-14', ['-fsanitize=thread', '-pthread'], 'races_fail "$2"; "$1"')
        assert status == (66 if races else 0), status


if __name__ == '__main__':
    tap.main()
