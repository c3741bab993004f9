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


def pkg_config(*options):
    config = staged('*.pc')
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
def the_library_shows_exactly_what_its_header_declares():
    header = staged('weir.h').read_text(encoding='utf-8')
    declared = set(re.findall(r'\b(weir_\w+)\(', re.sub(r'/\*.*?\*/', '', header, flags=re.DOTALL)))
    symbols = run('nm', '-D', '--defined-only', staged('libweir.so.0')).splitlines()
    shown = {line.split()[-1].split('@')[0] for line in symbols if ' A ' not in line}
    assert shown == declared, f'only in the library: {shown - declared}; only in the header: {declared - shown}'


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


@test
def the_command_tells_its_version():
    assert version() in run(staged('weir'), '--version', LD_LIBRARY_PATH=staged('libweir.so.0').parent)


if __name__ == '__main__':
    tap.main()
