/* Two documents of weir-bench --json, before and after a change. */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

/* `compare A B [--fail-over 5%]`; argv[0] is "compare". Answers the exit code: 0, 1 nothing to compare, 2 usage,
 * 7 a figure of weir became worse by more than that. */
int
bench_compare(int argc, char **argv);

#endif
