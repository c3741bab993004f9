#!/usr/bin/python3
"""What `meson install` leaves is a library that others can build with, and shows nothing that is not its interface."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
import tap
from tap import test

ROOT = pathlib.Path(os.environ['WEIR_SOURCE_ROOT'])
BUILD = pathlib.Path(os.environ['WEIR_BUILD_ROOT'])
PROGRAM = '''
#include <stdio.h>
#include <weir/weir.h>
int
main(void)
{
        struct weir *bus = NULL;
        printf("%x\\n", weir_version());
        return weir_open(&bus, WEIR_OPTIONS(.address = "nowhere/at/all")) == WEIR_OK;
}
'''
# C and C++ alike: a program that is nothing of ours becomes the broker, publishes and takes.
EMBEDDING = '''
#include <stdio.h>
#include <string.h>
#include <weir/broker.h>
#include <weir/weir.h>
int
main(void)
{
        const char *topic = "outside/words";
        struct weir *bus;
        struct weir_subscriber *in;
        struct weir_publisher *out;
        const struct weir_frame *frame;
        if (weir_open(&bus, WEIR_OPTIONS(.name = "outside", .embed = weir_broker_embed)) < 0 ||
            weir_subscriber_open(&in, bus, topic, WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)) < 0 ||
            weir_publisher_open(&out, bus, topic, WEIR_PUBLISHER(.history = 1, .hash = WEIR_HASH_FULL)) < 0 ||
            weir_publish(out, "hello", 6, NULL, WEIR_FOREVER) < 0 || weir_take(in, WEIR_FOREVER, &frame) != WEIR_OK) {
                fprintf(stderr, "%s; %s\\n", weir_error(), weir_broker_error());
                return 1;
        }
        printf("%s %s\\n", frame->topic, (const char *)frame->data);
        weir_release(frame);
        weir_close(bus);
        return 0;
}
'''
COMPILERS = [['cc', '-x', 'c', '-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror'],
             ['g++', '-x', 'c++', '-std=c++17', '-Wall', '-Wextra', '-Wpedantic', '-Werror'],
             ['g++', '-x', 'c++', '-std=c++20', '-Wall', '-Wextra', '-Wpedantic', '-Werror'],
             ['clang-14', '-x', 'c++', '-std=c++17', '-Wall', '-Wextra', '-Wpedantic', '-Werror']]
folder = tempfile.TemporaryDirectory()
STAGE = pathlib.Path(folder.name)


def run(*command, **environment):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          env=dict(os.environ, **{key: str(value) for key, value in environment.items()}))
    assert done.returncode == 0, f'{command}:\n{done.stdout}{done.stderr}'
    return done.stdout


def staged(pattern):
    found = sorted(STAGE.rglob(pattern))
    assert found, f'{pattern} was not installed'
    return found[0]


def pkg_config(*options, name='libweir'):
    config = staged(f'{name}.pc')
    return run('pkg-config', *options, config.stem, PKG_CONFIG_PATH=config.parent, PKG_CONFIG_SYSROOT_DIR=STAGE).split()


def version():
    return re.search(r"version: '([0-9.]+)'", (ROOT / 'meson.build').read_text(encoding='utf-8'))[1]


def version_number():
    major, minor, patch = map(int, version().split('.'))
    return f'{major << 16 | minor << 8 | patch:x}'


@test
def it_installs():
    run('meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', STAGE)


@test
def the_library_carries_its_soname():
    told = run('objdump', '-p', staged('libweir.so.0'))
    assert re.search(r'SONAME\s+libweir\.so\.0\n', told), told


@test
def the_library_shows_exactly_what_its_headers_declare():
    declared = set()
    for name in 'weir.h', 'ticket.h':
        header = staged(name).read_text(encoding='utf-8')
        header = header[:header.rindex('#ifdef __cplusplus')]  # what C++ adds is inline
        declared |= set(re.findall(r'\b(weir_\w+)\(', re.sub(r'/\*.*?\*/', '', header, flags=re.DOTALL)))
    symbols = run('nm', '-D', '--defined-only', staged('libweir.so.0')).splitlines()
    shown = {line.split()[-1].split('@')[0] for line in symbols if ' A ' not in line}
    assert shown == declared, f'only in the library: {shown - declared}; only in the headers: {declared - shown}'


@test
def a_program_builds_with_pkg_config_and_the_shared_library():
    source, program = STAGE / 'program.c', STAGE / 'program'
    source.write_text(PROGRAM, encoding='utf-8')
    run('cc', '-Wall', '-Wextra', '-Werror', source, '-o', program, *pkg_config('--cflags', '--libs'))
    said = run(program, LD_LIBRARY_PATH=staged('libweir.so.0').parent)
    assert said.strip() == version_number(), said


@test
def a_program_builds_with_the_static_library_alone():
    source, program = STAGE / 'program.c', STAGE / 'program-static'
    source.write_text(PROGRAM, encoding='utf-8')
    libraries = [word for word in pkg_config('--static', '--libs') if word != '-lweir']
    run('cc', source, '-o', program, *pkg_config('--cflags'), staged('libweir.a'), *libraries)
    assert run(program).strip() == version_number()


def embeds(compiler, *libraries):
    """Compiles the program that embeds a broker, and runs it where nobody else is one."""
    source, program = STAGE / 'embedding', STAGE / 'embedding-program'
    source.write_text(EMBEDDING, encoding='utf-8')
    flags = pkg_config('--cflags', name='libweir-broker')
    run(*compiler, *flags, '-c', source, '-o', STAGE / 'embedding.o')
    run(compiler[0], STAGE / 'embedding.o', '-o', program, *libraries)
    with tempfile.TemporaryDirectory() as private:
        said = run(program, LD_LIBRARY_PATH=staged('libweir.so.0').parent, WEIR_BROKER=f'{private}/bus',
                   WEIR_CONFIG='', XDG_CONFIG_HOME=private)
    assert said == 'outside/words hello\n', said
    return run('objdump', '-p', program)


@test
def a_program_in_c_or_cxx_embeds_the_broker_which_brings_the_one_client_library_along():
    for compiler in COMPILERS:
        told = embeds(compiler, *pkg_config('--libs', name='libweir-broker'))
        assert 'libweir' not in told, told


@test
def a_program_in_c_or_cxx_embeds_the_broker_without_any_shared_library_of_ours():
    libraries = [staged('libweir.a') if word == '-lweir' else word
                 for word in pkg_config('--static', '--libs', name='libweir-broker')]
    for compiler in COMPILERS:
        assert 'libweir' not in embeds(compiler, *libraries)


@test
def the_command_tells_its_version():
    assert version() in run(staged('weir'), '--version', LD_LIBRARY_PATH=staged('libweir.so.0').parent)


if __name__ == '__main__':
    tap.main()
