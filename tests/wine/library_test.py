#!/usr/bin/python3
"""What `meson install` leaves for Windows is a weir.dll that others can build with: a program that is nothing of ours,
linked with the import library, publishes and takes under Wine. Speaks TAP."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, test  # noqa: E402
from wine.command import Command, windows_path  # noqa: E402

ROOT = pathlib.Path(os.environ['WEIR_SOURCE_ROOT'])
BUILD = pathlib.Path(os.environ['WEIR_BUILD_ROOT'])
COMPILER = json.loads((BUILD / 'compile_commands.json').read_text(encoding='utf-8'))[0]['command'].split()[0]
# C++ for Windows, as far as it needs no library of its own: what it makes is linked as C is.
COMPILERS_CXX = [['clang-14', '--target=x86_64-w64-mingw32', '-x', 'c++', f'-std=c++{year}'] for year in (17, 20)]
STRICT = ['-Wall', '-Wextra', '-Wpedantic', '-Werror']
ADDRESS = rf'\\.\pipe\weir-library-test-{os.getpid()}'
# Whoever is the broker is another program.
PROGRAM = '''
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>
int
main(void)
{
        const char *topic = "outside/words";
        struct weir *bus;
        struct weir_subscriber *in;
        struct weir_publisher *out;
        const struct weir_frame *frame;
        if (weir_open(&bus, WEIR_OPTIONS(.name = "outside")) < 0 ||
            weir_subscriber_open(&in, bus, topic, WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)) < 0 ||
            weir_publisher_open(&out, bus, topic, WEIR_PUBLISHER(.history = 1, .hash = WEIR_HASH_FULL)) < 0 ||
            weir_publish(out, "hello", 6, NULL, WEIR_FOREVER) < 0 || weir_take(in, WEIR_FOREVER, &frame) != WEIR_OK) {
                fprintf(stderr, "%s\\n", weir_error());
                return 1;
        }
        printf("%x %s %s\\n", weir_version(), frame->topic, (const char *)frame->data);
        weir_release(frame);
        weir_close(bus);
        return 0;
}
'''
folder = tempfile.TemporaryDirectory()
STAGE = pathlib.Path(folder.name)


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f'{command}:\n{done.stdout}{done.stderr}'
    return done.stdout


def staged(pattern):
    found = sorted(STAGE.rglob(pattern))
    assert found, f'{pattern} was not installed'
    return found[0]


def of_dll(what, library):
    """The names that objdump lists of a program or library: of what it needs, or of what it shows."""
    told = run(re.sub(r'g(cc|\+\+)(-posix)?$', 'objdump', COMPILER), '-p', library)
    if what == 'needs':
        return set(re.findall(r'DLL Name: (\S+)', told))
    exports = told[told.index('[Ordinal/Name Pointer] Table'):]
    return set(re.findall(r'^\s*\[\s*\d+\]\s+(?:\+base\[\s*\d+\]\s+\w+\s+)?(\w+)$', exports, re.MULTILINE))


def version_number():
    found = re.search(r"version: '([0-9.]+)'", (ROOT / 'meson.build').read_text(encoding='utf-8'))[1]
    major, minor, patch = map(int, found.split('.'))
    return f'{major << 16 | minor << 8 | patch:x}'


def built(name, compiler, *words):
    program = STAGE / name
    source = STAGE / 'program.c'
    source.write_text(PROGRAM, encoding='utf-8')
    run(*compiler, *STRICT, '-I', staged('weir.h').parent.parent, '-c', source, '-o', STAGE / 'program.o')
    run(COMPILER, STAGE / 'program.o', '-o', program, *words)
    return program


class Program(Command):
    words = []


def says(program):
    """What it writes while a broker runs; weir.dll is found in WINEPATH, as it would be in PATH."""
    variables = {'WEIR_BROKER': ADDRESS, 'WINEPATH': windows_path(staged('weir.dll').parent)}
    broker = Command('broker', 'run', '--address', ADDRESS)
    try:
        while b'the broker listens at' not in broker.err:
            assert broker.process.poll() is None, broker.err
        code, out, err = Program(str(program), **variables).end()
    finally:
        Command('broker', 'stop', '-b', ADDRESS).end()
        broker.end()
    assert code == 0, (code, out, err)
    return out.replace('\r', '')


EXPECTED = f'{version_number()} outside/words hello\n'


@test
def it_installs():
    run('meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', STAGE)


@test
def the_library_shows_exactly_what_its_headers_declare():
    declared = set()
    for name in 'weir.h', 'ticket.h':
        header = staged(name).read_text(encoding='utf-8')
        header = header[:header.rindex('#ifdef __cplusplus')]  # what C++ adds is inline
        declared |= set(re.findall(r'\b(weir_\w+)\(', re.sub(r'/\*.*?\*/', '', header, flags=re.DOTALL)))
    shown = of_dll('shows', staged('weir.dll'))
    assert shown == declared, f'only in the library: {shown - declared}; only in the header: {declared - shown}'


@test
def the_library_needs_nothing_that_windows_has_not():
    strangers = {name for name in of_dll('needs', staged('weir.dll')) if re.match(r'lib|weir', name.lower())}
    assert not strangers, strangers


@test
def a_program_in_c_is_linked_with_the_import_library_and_runs():
    program = built('program.exe', [COMPILER, '-std=c11'], '-L', staged('weir.dll.a').parent, '-lweir')
    assert 'weir.dll' in of_dll('needs', program)
    assert says(program) == EXPECTED


@test
def a_program_in_cxx_is_linked_with_it_and_runs():
    for compiler in COMPILERS_CXX:
        program = built('program.exe', compiler, '-L', staged('weir.dll.a').parent, '-lweir')
        assert 'weir.dll' in of_dll('needs', program)
        assert says(program) == EXPECTED


@test
def without_the_library_the_program_does_not_start():
    program = built('program.exe', [COMPILER, '-std=c11'], '-L', staged('weir.dll.a').parent, '-lweir')
    code, out, _ = Program(str(program), WEIR_BROKER=ADDRESS).end()
    assert code != 0 and out == '', (code, out)


if __name__ == '__main__':
    main()
