#!/usr/bin/python3
"""Each rule of tidy.py sees the fault it is there for, and lets the same thing done well pass."""
import pathlib
import subprocess
import tempfile

import tap
import tidy
from tap import test


def findings(rule, path, text):
    return list(rule(tidy.Source(path, text)))


def told(rule, path, text):
    assert findings(rule, path, text), f'{rule.__name__} let this pass in {path}:\n{text}'


def silent(rule, path, text):
    got = findings(rule, path, text)
    assert not got, f'{rule.__name__} says {got} of {path}:\n{text}'


def function(lines, head='int\nwr_lane_look(void)'):
    return head + '\n{\n' + '        look();\n' * (lines - 3) + '}\n'


@test
def an_include_down_the_table_is_found():
    rule = tidy.includes_point_up_the_table
    told(rule, 'bus/lane.c', '#include "named-objects/region.h"\n')
    told(rule, 'named-objects/region_linux.c', '#include "bus/lane.h"\n')
    told(rule, 'broker/registry.c', '#include "clients/c/session.h"\n')
    told(rule, 'clients/c/session.c', '#include "broker/registry.h"\n')
    told(rule, 'clients/cli/main.c', '#include "bus/result.h"\n')
    told(rule, 'broker/registry.c', '#include "tests/lane.h"\n')
    silent(rule, 'bus/lane.c', '#include "bus/pair.h"\n')
    silent(rule, 'clients/c/session.c', '#include "named-objects/region.h"\n#include <weir/weir.h>\n')
    silent(rule, 'tests/unit/lane_test.c', '#include "broker/registry.h"\n')


@test
def a_system_header_outside_its_seam_is_found():
    rule = tidy.includes_point_up_the_table
    told(rule, 'bus/lane.c', '#include <sys/mman.h>\n')
    told(rule, 'bus/lane.c', '#include <unistd.h>\n')
    told(rule, 'broker/registry.c', '#include <sys/epoll.h>\n')
    told(rule, 'clients/c/session.c', '#include <sys/socket.h>\n')
    silent(rule, 'bus/lane.c', '#include <string.h>\n#include <xxhash.h>\n')
    silent(rule, 'bus/os/memory_linux.c', '#include <sys/mman.h>\n')
    silent(rule, 'broker/loop_linux.c', '#include <sys/epoll.h>\n')


@test
def an_include_that_is_not_written_from_the_root_is_found():
    told(tidy.quoted_includes_are_written_from_the_root, 'bus/lane.c', '#include "lane.h"\n')
    silent(tidy.quoted_includes_are_written_from_the_root, 'bus/lane.c', '#include "bus/lane.h"\n')


@test
def a_long_file_is_found():
    told(tidy.files_are_at_most_600_lines, 'bus/lane.c', 'int x;\n' * 601)
    silent(tidy.files_are_at_most_600_lines, 'bus/lane.c', 'int x;\n' * 600)


@test
def a_long_function_is_found():
    told(tidy.functions_are_at_most_70_lines, 'bus/lane.c', function(71))
    silent(tidy.functions_are_at_most_70_lines, 'bus/lane.c', function(70))
    wrapped = 'int\nwr_lane_look(int a,\n             int b)'
    told(tidy.functions_are_at_most_70_lines, 'bus/lane.c', function(70, wrapped))
    told(tidy.functions_are_at_most_70_lines, 'tests/unit/lane_test.c', function(71, '\nTest(lane, is_long)'))


@test
def a_long_line_is_found():
    told(tidy.lines_are_at_most_120_columns, 'bus/lane.c', 'x' * 121)
    silent(tidy.lines_are_at_most_120_columns, 'bus/lane.c', 'x' * 120)


@test
def a_static_with_a_prefix_is_found():
    told(tidy.statics_carry_no_prefix, 'bus/lane.c', function(5, 'static int\nwr_lane_look(void)'))
    told(tidy.statics_carry_no_prefix, 'bus/lane.c', function(5, 'static inline bool\nweir_look(void)'))
    silent(tidy.statics_carry_no_prefix, 'bus/lane.c', function(5, 'static int\nlook(void)'))


@test
def a_name_without_prefix_or_noun_is_found():
    rule = tidy.what_others_call_carries_prefix_and_noun
    told(rule, 'bus/lane.c', function(5, 'int\nlane_look(void)'))
    told(rule, 'bus/lane.c', function(5, 'int\nwr_pair_look(void)'))
    silent(rule, 'bus/lane_writer.c', function(5, 'int\nwr_lane_look(void)'))
    silent(rule, 'clients/c/publisher.c', function(5, 'enum weir_result\nweir_lend(void)'))


@test
def a_condition_inside_a_function_is_found():
    rule = tidy.no_conditions_of_the_preprocessor_inside_functions
    inside = 'int\nwr_lane_look(void)\n{\n#ifdef _WIN32\n        return 1;\n#endif\n        return 0;\n}\n'
    told(rule, 'bus/lane.c', inside)
    told(rule, 'bus/lane.c', inside.replace('#ifdef _WIN32', '        # if defined(_WIN32)'))
    silent(rule, 'bus/atomic.h', inside)
    silent(rule, 'bus/lane.c', '#ifdef _WIN32\nint x;\n#endif\n' + function(5))


@test
def marks_of_unfinished_work_are_found():
    told(tidy.nothing_is_marked_unfinished, 'bus/lane.c', '/* TO' 'DO: wrap */\n')
    told(tidy.nothing_is_marked_unfinished, 'dev', '# FIX' 'ME\n')
    silent(tidy.nothing_is_marked_unfinished, 'bus/lane.c', 'mkdtemp("weir-' + 'X' * 6 + '");\n')


@test
def a_path_of_one_machine_is_found():
    told(tidy.no_path_of_one_machine, 'dev', 'cp /ho' 'me/alice/video.ogv .\n')
    told(tidy.no_path_of_one_machine, 'tests/tap.py', 'open("/wo' 'rk/main/x")\n')
    silent(tidy.no_path_of_one_machine, 'dev', 'cp "$HOME/video.ogv" build/work/x\n')


@test
def a_foreign_python_is_found():
    told(tidy.python_is_the_systems, 'tests/a.py', '#!/usr/bin/env python3\n')
    silent(tidy.python_is_the_systems, 'tests/a.py', '#!/usr/bin/python3\n')
    silent(tidy.python_is_the_systems, 'tests/a.py', '"""A module."""\n')


@test
def tabs_and_trailing_space_are_found():
    told(tidy.indentation_is_spaces, 'bus/lane.c', '\treturn;\n')
    told(tidy.indentation_is_spaces, 'bus/lane.c', 'return; \n')
    silent(tidy.indentation_is_spaces, 'bus/lane.c', '        return;\n')


@test
def a_strange_folder_at_the_top_is_found_and_the_run_fails():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / 'bus').mkdir()
        (root / 'utils').mkdir()
        (root / 'bus/lane.c').write_text('#include "lane.h"\n', encoding='utf-8')
        assert list(tidy.strangers(root)) == ['utils: the top-level folders and files are fixed']
        done = subprocess.run(['/usr/bin/python3', tidy.__file__, folder], capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stdout
        assert 'not ok 4 - quoted includes' in done.stdout, done.stdout


if __name__ == '__main__':
    tap.main()
