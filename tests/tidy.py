#!/usr/bin/python3
"""The rules of the house that a compiler does not know, each one test: who includes whom, how long, which names.

Usage: tidy.py [ROOT]. A rule is a function that gets one source file and yields (line, what is wrong). It relies on
clang-format: a function's name and both its outer braces stand in column 0, its return type on the line before.
"""
import pathlib
import re
import sys

FOLDERS = {'bus', 'broker', 'clients', 'named-objects', 'bench', 'tests', 'docs'}
TOP_FILES = {'meson.build', 'meson_options.txt', 'dev', 'LICENSE', 'README.md', 'CHANGELOG.md', 'SECURITY.md',
             '.gitignore', '.gitattributes', '.clang-format', '.clang-tidy'}
HIDDEN_FOLDERS = {'.ci', '.dev', '.git', '.cache'}
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 120

# Named by their contract, which stands in the header of another noun.
NAMED_OTHERWISE = {'wr_yield', 'wr_os_error', 'wr_object_close', 'wr_group_find'}

C_LIBRARY = {name + '.h' for name in (
    'assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic '
    'stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype').split()}
COMPILER = {'immintrin.h', 'x86intrin.h', 'emmintrin.h'}


class Source:
    """One file: its path from the root, its lines, and of C its functions."""

    def __init__(self, path, text):
        self.path = path
        self.room = path.split('/')[0]
        self.name = path.rsplit('/', 1)[-1]
        self.lines = text.splitlines()
        self.is_c = path.endswith(('.c', '.h', '.inc'))
        self.functions = list(functions(self.lines)) if self.is_c else []

    def numbered(self):
        return enumerate(self.lines, 1)


def functions(lines):
    """(name, is static, first line, last line) of every definition."""
    for at, line in enumerate(lines):
        if line != '{':
            continue
        first = at - 1
        while first > 0 and (not lines[first] or lines[first][0] in ' \t'):
            first -= 1
        name = re.match(r'(\w+)\s*\(', lines[first])
        if not name:
            continue
        last = next((end for end in range(at, len(lines)) if lines[end].startswith('}')), len(lines) - 1)
        kind = lines[first - 1] if first else ''
        yield name[1], bool(re.search(r'\bstatic\b', kind)), first + 1, last + 1


def may_include_system(source, header):
    if header in C_LIBRARY or header in COMPILER or header == 'xxhash.h':
        return True
    path = source.path
    if header.startswith('weir/'):
        return path.startswith(('clients/', 'bench/', 'tests/', 'broker/'))
    if path.startswith(('bus/os/', 'bus/transport/', 'named-objects/', 'bench/', 'tests/')):
        return True
    if path.startswith('broker/'):
        return path.endswith(('_linux.c', '_win32.c'))
    if path.startswith('clients/c/'):
        return False
    return path.startswith('clients/')


def may_include_own(source, header):
    path, room = source.path, source.room
    if room in ('bench', 'tests'):
        return True
    if room == 'bus':
        return header.startswith('bus/')
    if room == 'named-objects':
        return header in ('bus/result.h', 'bus/atomic.h') or header.startswith(('bus/os/', 'named-objects/'))
    if path.startswith('broker/relay/') and header.startswith('clients/c/'):
        return True  # an agent is a client of the broker whose process it is in
    if room == 'broker':
        return header.startswith(('bus/', 'named-objects/', 'broker/'))
    if path.startswith('clients/c/'):
        return header.startswith(('bus/', 'named-objects/', 'clients/c/'))
    if path.startswith('clients/cli/') and header.startswith('clients/demo/'):
        return True  # the demo is a verb of the command
    if path.startswith(('clients/cli/', 'clients/demo/')) and path.endswith('_win32.c') and \
            header == 'named-objects/path_win32.h':
        return True  # a path is spelled in one way
    if path.startswith('clients/winaudit/') and header.startswith(('bus/', 'named-objects/')):
        return True  # it tries the halves themselves on a machine
    if room == 'clients':
        return header.startswith('/'.join(path.split('/')[:2]) + '/')
    return False


def includes_point_up_the_table(source):
    for number, line in source.numbered():
        match = source.is_c and re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not match:
            continue
        allowed = may_include_own if match[1] == '"' else may_include_system
        if not allowed(source, match[2]):
            yield number, f'{source.path} may not include {match[2]}'


def quoted_includes_are_written_from_the_root(source):
    for number, line in source.numbered():
        match = source.is_c and re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if match and match[1].split('/')[0] not in FOLDERS:
            yield number, f'"{match[1]}" does not begin with a room'


def files_are_at_most_600_lines(source):
    if len(source.lines) > FILE_LINES_MAX:
        yield len(source.lines), f'{len(source.lines)} lines: two nouns?'


def functions_are_at_most_70_lines(source):
    for name, _, first, last in source.functions:
        if last - first + 1 > FUNCTION_LINES_MAX:
            yield first, f'{name} has {last - first + 1} lines'


def lines_are_at_most_120_columns(source):
    for number, line in source.numbered():
        if len(line) > COLUMNS_MAX:
            yield number, f'{len(line)} columns'


def statics_carry_no_prefix(source):
    for name, static, first, _ in source.functions:
        if static and source.path.endswith('.c') and name.startswith(('wr_', 'weir_')):
            yield first, f'{name} is static'


def what_others_call_carries_prefix_and_noun(source):
    """wr_lane_publish stands in a file whose name begins with lane; weir_... is public and the header's choice."""
    if not source.path.endswith('.c') or source.room not in ('bus', 'named-objects', 'broker', 'clients'):
        return
    if source.room == 'clients' and not source.path.startswith('clients/c/'):
        return
    noun = re.split(r'[_.]', source.name)[0]
    for name, static, first, _ in source.functions:
        exempt = name in NAMED_OTHERWISE or name.startswith('weir_')
        if not static and not exempt and not re.match(rf'wr_{noun}s?(_|$)', name):
            yield first, f'{name} is not called wr_{noun}_...'


def no_conditions_of_the_preprocessor_inside_functions(source):
    if source.path == 'bus/atomic.h':
        return
    for name, _, first, last in source.functions:
        for number in range(first, last + 1):
            if re.match(r'\s*#\s*(if|ifdef|ifndef|elif|else)\b', source.lines[number - 1]):
                yield number, f'inside {name}: make it a platform file'


def nothing_is_marked_unfinished(source):
    for number, line in source.numbered():
        if re.search(r'\b(TO' r'DO|FIX' r'ME|X' r'XX|HA' r'CK)\b', line):
            yield number, line.strip()


def no_path_of_one_machine(source):
    for number, line in source.numbered():
        if re.search(r'(?<![\w.$}])/(wo' r'rk|ro' r'ot|ho' r'me/\w+)/', line):
            yield number, line.strip()


def python_is_the_systems(source):
    if source.path.endswith('.py') and source.lines and source.lines[0].startswith('#!'):
        if source.lines[0] != '#!/usr/bin/python3':
            yield 1, source.lines[0]


def indentation_is_spaces(source):
    for number, line in source.numbered():
        if re.match(r'\s*\t', line) or line != line.rstrip():
            yield number, 'a tab, or space at the end'


RULES = [includes_point_up_the_table, quoted_includes_are_written_from_the_root, files_are_at_most_600_lines,
         functions_are_at_most_70_lines, lines_are_at_most_120_columns, statics_carry_no_prefix,
         what_others_call_carries_prefix_and_noun, no_conditions_of_the_preprocessor_inside_functions,
         nothing_is_marked_unfinished, no_path_of_one_machine, python_is_the_systems, indentation_is_spaces]
SUFFIXES = ('.c', '.h', '.inc', '.py', '.sh', '.map', '.build')


def sources(root):
    """Every file of ours that is code."""
    for path in sorted(root.rglob('*')):
        name = path.relative_to(root).as_posix()
        own = name.split('/')[0] in FOLDERS | {'.dev', '.ci'} or name in TOP_FILES
        code = name.endswith(SUFFIXES) or name in ('dev', '.ci/run')
        if own and code and path.is_file() and '/corpus/' not in name:
            yield Source(name, path.read_text(encoding='utf-8'))


def strangers(root):
    """What stands at the top and is none of the fixed folders and files."""
    for path in sorted(root.iterdir()):
        known = FOLDERS | HIDDEN_FOLDERS if path.is_dir() else TOP_FILES | {'.git'}
        if path.name not in known and not path.name.startswith('build'):
            yield f'{path.name}: the top-level folders and files are fixed'


def print_result(number, sentence, findings):
    for finding in findings:
        print(f'# {finding}')
    print(f"{'not ok' if findings else 'ok'} {number} - {sentence}")
    return bool(findings)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    root = root if root.is_dir() else root.parent.parent
    everything = list(sources(root))
    print(f'1..{len(RULES) + 2}')
    few = [f'only {len(everything)} files found'] if len(everything) < 10 else []
    failed = print_result(1, 'there are sources to look at', few)
    failed += print_result(2, 'the top-level folders are the fixed ones', list(strangers(root)))
    for number, rule in enumerate(RULES, 3):
        found = [f'{source.path}:{line}: {what}' for source in everything for line, what in rule(source)]
        failed += print_result(number, rule.__name__.replace('_', ' '), found)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
