#!/usr/bin/python3
"""The set-up of ./dev on machines that lack something: each is this one with some commands replaced.

The replaced commands stand first in PATH: dpkg-query says what is installed, id who we are, bwrap and unshare whether
user namespaces work; apt-get writes down that it was called, and so would tell of any touch of the network.
"""
import os
import pathlib
import stat
import subprocess
import tempfile

import tap
from tap import test

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Machine:
    def __init__(self, installed=True, user=0, namespaces=True, apt_works=True):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.calls = self.path / 'calls'
        self.calls.touch()
        wanted = [line.split()[1] for line in (ROOT / '.dev/packages').read_text().splitlines()
                  if line and not line.startswith('#')]
        lines = '\n'.join(f'installed {name}' for name in wanted if installed or name != 'bubblewrap')
        self.command('dpkg-query', f'cat <<END\n{lines}\nEND')
        self.command('id', f'echo {user}')
        self.command('bwrap', 'exit 0' if namespaces else 'exit 1')
        self.command('unshare', 'exit 0' if namespaces else 'exit 1')
        self.command('apt-get', f'echo "$*" >>{self.calls}\nexit {0 if apt_works else 100}')

    def command(self, name, body):
        file = self.path / name
        file.write_text(f'#!/bin/sh\n{body}\n', encoding='utf-8')
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    def run(self, command):
        """(exit status, what it said)"""
        done = subprocess.run(['bash', '-euo', 'pipefail', '-c', f'. .dev/setup.sh; {command}'], cwd=ROOT,
                              env=dict(os.environ, PATH=f"{self.path}:{os.environ['PATH']}"), capture_output=True,
                              text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def network(self):
        return self.calls.read_text().splitlines()


@test
def a_machine_that_has_everything_is_not_asked_to_touch_the_network():
    machine = Machine()
    assert machine.run('need build demo test') == (0, '')
    assert machine.network() == []


@test
def root_installs_what_is_missing_and_says_so_first():
    machine = Machine(installed=False)
    status, said = machine.run('need build demo')
    assert status == 0, said
    assert 'installing with apt' in said and 'bubblewrap' in said, said
    update, install = machine.network()
    assert update.endswith('update'), update
    assert install.endswith('install -y --no-install-recommends bubblewrap'), install
    assert 'DPkg::Lock::Timeout=300' in install, install


@test
def a_failing_apt_ends_with_the_line_to_type():
    machine = Machine(installed=False, apt_works=False)
    status, said = machine.run('need build demo')
    assert status != 0 and 'apt-get install --no-install-recommends bubblewrap' in said, said


@test
def without_root_every_missing_package_is_named_with_the_line_that_mends_it():
    machine = Machine(installed=False, user=1000)
    status, said = machine.run('need build demo')
    assert status == 1, said
    assert 'missing packages: bubblewrap' in said, said
    assert 'apt-get install --no-install-recommends bubblewrap' in said, said
    assert machine.network() == []


@test
def a_group_that_was_not_asked_for_is_not_missed():
    machine = Machine(installed=False, user=1000)
    assert machine.run('need build') == (0, '')


@test
def refused_user_namespaces_are_named_with_the_setting_that_mends_them():
    for user in (0, 1000):
        status, said = Machine(user=user, namespaces=False).run('need build demo')
        assert status == 1, said
        assert 'user namespaces are refused' in said and 'mend it' in said, said


@test
def without_root_packages_and_namespaces_are_both_named_at_once():
    status, said = Machine(installed=False, user=1000, namespaces=False).run('need build demo')
    assert status == 1, said
    assert 'missing packages' in said and 'user namespaces are refused' in said, said


def package(folder, name, files):
    """A Debian package with these files, as apt-get would have fetched it."""
    tree = folder / f'{name}.tree'
    for path in ('DEBIAN/control', *files):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(f'Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.c>\n'
                                 'Description: a\n', encoding='utf-8')
    subprocess.run(['dpkg-deb', '--build', tree, folder / f'{name}_1_all.deb'], check=True, capture_output=True)


@test
def the_guests_kernel_is_fetched_once_and_not_installed():
    machine = Machine()
    package(machine.path, 'linux-image-9', ['boot/vmlinuz-9', 'lib/modules/a.ko'])
    package(machine.path, 'apparmor', ['sbin/apparmor_parser', 'etc/apparmor.d/a'])
    machine.command('apt-cache', "printf 'linux-image-amd64\\n  Depends: linux-image-9\\n'")
    machine.command('apt-get', f'echo "$*" >>{machine.calls}\nfor last; do :; done\n'
                               f'cp {machine.path}/"$last"_1_all.deb .')
    with tempfile.TemporaryDirectory() as folder:
        command = f'cd {folder}; guest_parts; find build-cache -type f | sort'
        status, said = machine.run(command)
        assert status == 0 and 'linux-image-9' in said and 'not installed' in said, said
        assert said.splitlines()[:2] == ['build-cache/guest/boot/vmlinuz-9',
                                         'build-cache/guest/sbin/apparmor_parser'], said
        calls = machine.network()
        assert len(calls) == 2 and all(' download ' in call for call in calls), calls
        assert machine.run(command)[1].splitlines() == ['build-cache/guest/boot/vmlinuz-9',
                                                        'build-cache/guest/sbin/apparmor_parser']
        assert machine.network() == calls


def tools(machine, folder):
    """Makes what Windows needs in that folder; the calls that Wine and the libraries' script got, in their order."""
    machine.calls.write_text('')
    status, said = machine.run(f'cd {folder}; . {ROOT}/.dev/windows.sh; windows_tools')
    assert status == 0, said
    return [call.split()[0] for call in machine.calls.read_text().splitlines()]


@test
def the_tools_for_windows_are_made_once_and_anew_where_their_script_changed():
    machine = Machine()
    for name in ('wine', 'wineboot', 'wineserver'):
        machine.command(name, f'mkdir -p "$WINEPREFIX"; echo "{name} $*" >>{machine.calls}')
    with tempfile.TemporaryDirectory() as folder:
        dev = pathlib.Path(folder, '.dev')
        dev.mkdir()
        script, cross = dev / 'windows-libraries.sh', dev / 'mingw64.ini.in'
        build = pathlib.Path(folder, 'build-windows')
        script.write_text(f'mkdir -p $1/libraries; echo libraries >>{machine.calls}\n', encoding='utf-8')
        cross.write_text('[@TOOLS@/wine]\n', encoding='utf-8')
        wine = ['wineboot', 'wine', 'wine', 'wineserver']
        assert tools(machine, folder) == [*wine, 'libraries']
        made = pathlib.Path(folder, 'build-windows-tools/mingw64.ini').read_text(encoding='utf-8')
        assert made == f'[{folder}/build-windows-tools/wine]\n', made
        build.mkdir()
        assert tools(machine, folder) == [] and build.exists()
        script.write_text(script.read_text(encoding='utf-8') + '# changed\n', encoding='utf-8')
        assert tools(machine, folder) == ['libraries'] and not build.exists()
        build.mkdir()
        cross.write_text('[@TOOLS@/wine]\nc = 1\n', encoding='utf-8')
        assert tools(machine, folder) == [] and not build.exists()


@test
def libraries_for_windows_that_were_not_finished_are_begun_anew():
    machine = Machine()
    for name in ('wine', 'wineboot', 'wineserver'):
        machine.command(name, 'mkdir -p "$WINEPREFIX"')
    with tempfile.TemporaryDirectory() as folder:
        dev = pathlib.Path(folder, '.dev')
        dev.mkdir()
        (dev / 'mingw64.ini.in').write_text('', encoding='utf-8')
        (dev / 'windows-libraries.sh').write_text(f'mkdir -p $1/libraries; echo libraries >>{machine.calls}\n'
                                                  f'[ -e {folder}/online ]\n', encoding='utf-8')
        status, said = machine.run(f'cd {folder}; . {ROOT}/.dev/windows.sh; windows_tools')
        assert status != 0, said
        pathlib.Path(folder, 'online').touch()
        assert tools(machine, folder) == ['libraries']
        assert tools(machine, folder) == []


@test
def each_package_has_its_reason_in_the_documents():
    page = (ROOT / 'docs/dependencies.md').read_text(encoding='utf-8')
    lines = (ROOT / '.dev/packages').read_text(encoding='utf-8').splitlines()
    silent = [line.split()[1] for line in lines if line and line[0] != '#' and f'`{line.split()[1]}`' not in page]
    assert not silent, silent


@test
def the_verbs_stand_in_the_help_and_an_unknown_one_fails():
    help_text = subprocess.run([ROOT / 'dev', 'help'], capture_output=True, text=True, check=True).stdout
    for verb in ('demo', 'test', 'test --quick', 'bench', 'check', 'fuzz', 'asan', 'tsan', 'guest', 'windows',
                 'help'):
        assert f'\n  {verb} ' in help_text, verb
    done = subprocess.run([ROOT / 'dev', 'dance'], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "no verb 'dance'" in done.stderr, done.stderr


if __name__ == '__main__':
    tap.main()
