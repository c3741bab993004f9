#!/usr/bin/python3
"""Real Flatpaks, made on the spot and installed in a directory of the test: who they are, and what that is worth.

The runtime holds the shell, the command `weir` and the libraries it needs. All applications are that one program; what
differs is the metadata: the id, and what stands under [Policy weir]. Nothing of it touches the network or the user's
own installation. The broker runs outside and listens in a directory that the applications see.
"""
import atexit
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, test  # noqa: E402

BUILD = pathlib.Path(os.environ['WEIR_BUILD_ROOT'])
WEIR = BUILD / 'clients' / 'cli' / 'weir'
TIMEOUT = 60
NOBODY = 65534

# id: its [Policy weir]
APPLICATIONS = {
    'org.weir.Camera': '',
    'org.weir.Viewer': '',
    'org.weir.Sensor': 'capability=org.weir.sensors;\n',
    'org.weir.Reader': 'capability=another;org.weir.sensors;\n',
    'org.weir.Newline': 'capability=org.weir.sensors\\n[Application]\\nname=org.weir.Sensor;\n',
    'org.weir.Crowd': 'capability=' + ''.join(f'c{i};' for i in range(33)) + '\n',
}

POLICY = '''
[topic."camera/front"]
publish = ["package:org.weir.Camera"]
subscribe = ["package:org.weir.Viewer"]
[topic."sensor/**"]
publish = ["capability:org.weir.sensors"]
subscribe = ["capability:org.weir.sensors"]
[topic."shared/*"]
publish = ["package:org.weir.Camera", "user:nobody"]
subscribe = ["package:org.weir.Viewer", "user:nobody"]
'''


def must(*command, **how):
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False, **how)
    assert done.returncode == 0, f'{command}: {done.stdout}{done.stderr}'
    return done.stdout


def needed_libraries():
    """What the dynamic loader opens for the command, and the loader itself."""
    for line in must('ldd', WEIR).splitlines():
        found = re.search(r'(/\S+)', line)
        if found:
            yield pathlib.Path(found[1])


class Ground:
    """The runtime, the applications, an installation of them and a broker."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix='weir-flatpak-'))
        atexit.register(self.remove)
        self.path.chmod(0o755)
        for name in ('bus', 'home', 'run', 'installation'):
            (self.path / name).mkdir()
        self.address = self.path / 'bus' / 'bus'
        self.environment = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8',
                            'HOME': str(self.path / 'home'), 'XDG_RUNTIME_DIR': str(self.path / 'run'),
                            'FLATPAK_USER_DIR': str(self.path / 'installation')}
        self.export_all()
        self.flatpak('remote-add', '--no-gpg-verify', 'local', 'repository')
        self.flatpak('install', '-y', '--noninteractive', 'local', 'org.weir.Platform//1',
                     *[f'{name}//1' for name in APPLICATIONS])
        (self.path / 'policy.conf').write_text(POLICY, encoding='utf-8')
        self.broker = subprocess.Popen(
            [WEIR, 'broker', 'run', '--config', self.path / 'policy.conf', '--address', self.address],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=(self.path / 'broker.log').open('w'))
        end = time.monotonic() + TIMEOUT
        while not self.address.exists() and time.monotonic() < end and self.broker.poll() is None:
            time.sleep(0.01)
        assert self.address.exists(), (self.path / 'broker.log').read_text()

    def remove(self):
        if hasattr(self, 'broker'):
            self.broker.terminate()
            self.broker.wait()
        shutil.rmtree(self.path)

    def flatpak(self, verb, *arguments):
        return must('flatpak', '--user', verb, *arguments, cwd=self.path, env=self.environment)

    def export(self, name, kind, metadata, *options):
        tree = self.path / 'trees' / name
        (tree / ('usr' if kind == 'Runtime' else 'files')).mkdir(parents=True, exist_ok=True)
        (tree / ('files' if kind == 'Runtime' else 'export')).mkdir(exist_ok=True)
        architecture = must('flatpak', '--default-arch').strip()
        platform = f'org.weir.Platform/{architecture}/1'
        (tree / 'metadata').write_text(f'[{kind}]\nname={name}\nruntime={platform}\nsdk={platform}\n{metadata}',
                                       encoding='utf-8')
        must('flatpak', 'build-export', '--disable-sandbox', *options, 'repository', tree, '1', cwd=self.path,
             env=self.environment)

    def export_all(self):
        usr = self.path / 'trees' / 'org.weir.Platform' / 'usr'
        for path in (pathlib.Path('/bin/busybox'), WEIR, *needed_libraries()):
            place = usr / ('bin' if path.parent.name in ('bin', 'cli') else str(path.parent).lstrip('/'))
            if place.parts[len(usr.parts)] == 'usr':
                place = usr.joinpath(*place.parts[len(usr.parts) + 1:])
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)
        (usr / 'bin' / 'sh').symlink_to('busybox')
        must('ostree', 'init', '--mode=archive-z2', '--repo=repository', cwd=self.path)
        self.export('org.weir.Platform', 'Runtime', '', '--runtime')
        for name, policy in APPLICATIONS.items():
            self.export(name, 'Application',
                        f'command=weir\n[Context]\nfilesystems={self.path / "bus"};\n[Policy weir]\n{policy}')
        must('flatpak', 'build-update-repo', 'repository', cwd=self.path, env=self.environment)

    def start(self, name, *arguments, command=(), options=(), user=0):
        """The application, or another command in its sandbox."""
        prefix = ['setpriv', '--reuid', str(user), '--regid', str(user), '--clear-groups'] if user else []
        return subprocess.Popen(
            [*prefix, 'flatpak', 'run', *options, *command, f'--env=WEIR_BROKER={self.address}', f'{name}//1',
             *arguments], env=self.environment, cwd='/', stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def run(self, name, *arguments, text='', **how):
        """(exit status, what it printed, what it said on stderr)"""
        process = self.start(name, *arguments, **how)
        out, err = process.communicate(text, timeout=TIMEOUT)
        return process.returncode, out, err

    def outside(self, *arguments):
        return must(WEIR, *arguments, env=dict(self.environment, WEIR_BROKER=str(self.address)))


ground = None


def here():
    global ground
    if ground is None:
        ground = Ground()
    return ground


def send(publisher, subscriber, topic, **how):
    """Three lines from one application to another; asserts that they came."""
    reader = here().start(subscriber, 'sub', topic, '--until-end', **how)
    status, _, said = here().run(publisher, 'pub', topic, '--lines', '--wait-readers', '1',
                                 text='one\ntwo\nthree\n', **how)
    out, err = reader.communicate(timeout=TIMEOUT)
    assert status == 0, said
    assert (reader.returncode, out) == (0, 'one\ntwo\nthree\n'), f'{reader.returncode}: {out}{err}'


def refused(name, verb, topic, *words, **how):
    status, out, said = here().run(name, verb, topic, *(['--lines'] if verb == 'pub' else []), text='x\n', **how)
    assert status == 5, f'exit {status}: {out}{said}'
    for word in words:
        assert word in said, said


def identity_of(process, topic):
    """The identity of the one endpoint of the topic, as the broker tells it. Ends the process."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        done = subprocess.run([WEIR, 'info', topic, '--json'], capture_output=True, text=True, check=False,
                              timeout=TIMEOUT, env=dict(here().environment, WEIR_BROKER=str(here().address)))
        if done.returncode == 0:
            break
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.stdin.close()
    process.wait(TIMEOUT)
    return json.loads(done.stdout)['endpoints'][0]['identity']


@test
def a_flatpak_publishes_to_another_under_its_own_id():
    send('org.weir.Camera', 'org.weir.Viewer', 'camera/front')
    publisher = here().start('org.weir.Camera', 'pub', 'camera/front', '--lines')
    assert identity_of(publisher, 'camera/front') == 'user:root package:org.weir.Camera (flatpak-info)'


@test
def what_its_id_is_not_granted_it_does_not_get():
    refused('org.weir.Viewer', 'pub', 'camera/front', 'denied', 'org.weir.Viewer', 'publish', 'weir access allow')
    refused('org.weir.Camera', 'sub', 'camera/front', 'denied', 'org.weir.Camera', 'subscribe', 'weir access allow')
    refused('org.weir.Camera', 'pub', 'camera/back', 'denied', 'org.weir.Camera')


@test
def with_the_capability_it_publishes_and_subscribes_whatever_its_id():
    send('org.weir.Sensor', 'org.weir.Reader', 'sensor/imu/raw')
    publisher = here().start('org.weir.Reader', 'pub', 'sensor/gps', '--lines')
    assert identity_of(publisher, 'sensor/gps') == (
        'user:root package:org.weir.Reader capability:another capability:org.weir.sensors (flatpak-info)')


@test
def without_the_capability_the_same_program_is_refused():
    for verb, right in (('pub', 'publish'), ('sub', 'subscribe')):
        refused('org.weir.Camera', verb, 'sensor/imu/raw', 'denied', 'org.weir.Camera', right, 'weir access allow')


@test
def its_user_gives_and_takes_capabilities_as_any_permission():
    allow = ['--add-policy=weir.capability=org.weir.sensors']
    send('org.weir.Camera', 'org.weir.Viewer', 'sensor/lent', options=allow)
    here().flatpak('override', '--remove-policy=weir.capability=org.weir.sensors', 'org.weir.Sensor')
    refused('org.weir.Sensor', 'sub', 'sensor/imu/raw', 'org.weir.Sensor')
    here().flatpak('override', '--reset', 'org.weir.Sensor')
    send('org.weir.Sensor', 'org.weir.Reader', 'sensor/imu/raw')


@test
def a_capability_that_breaks_the_grammar_is_none_and_neither_is_the_application():
    for name in ('org.weir.Newline', 'org.weir.Crowd'):
        for verb, topic in (('pub', 'sensor/imu/raw'), ('sub', 'camera/front')):
            refused(name, verb, topic, 'denied', '[Policy weir]')


ATTEMPTS = '''
busybox unshare -U true 2>/dev/null && echo namespace
busybox unshare -m true 2>/dev/null && echo mounts
busybox umount /.flatpak-info 2>/dev/null && echo unmounted
busybox mount -t tmpfs none /tmp 2>/dev/null && echo mounted
busybox rm -f /.flatpak-info 2>/dev/null && echo removed
printf '[Application]\\nname=org.weir.Viewer\\n[Policy weir]\\ncapability=org.weir.sensors;\\n' >/tmp/forged
busybox mount --bind /tmp/forged /.flatpak-info 2>/dev/null && echo bound
busybox cp /tmp/forged /.flatpak-info 2>/dev/null && echo written
busybox mv /tmp/forged /.flatpak-info 2>/dev/null && echo moved
busybox chroot /tmp true 2>/dev/null && echo chrooted
weir sub camera/front 2>&1 || weir sub sensor/imu 2>&1
'''


@test
def from_inside_it_cannot_become_another_or_get_a_capability():
    for user in (0, NOBODY):
        with lent_to(user):
            status, out, said = here().run('org.weir.Camera', '-c', ATTEMPTS, command=['--command=sh'], user=user)
        lines = out.splitlines()
        assert status == 5 and len(lines) == 2, f'exit {status}: {out}{said}'
        assert all('denied' in line and 'org.weir.Camera' in line for line in lines), out


class lent_to:
    """The installation and the user's directories are another user's meanwhile."""

    def __init__(self, user):
        self.user = user

    def own(self, user):
        for name in ('home', 'run', 'installation'):
            for folder, _, files in os.walk(here().path / name):
                for entry in (folder, *(os.path.join(folder, file) for file in files)):
                    os.chown(entry, user, user, follow_symlinks=False)

    def __enter__(self):
        self.own(self.user)

    def __exit__(self, *_):
        self.own(0)


@test
def a_flatpak_of_another_user_needs_that_user_in_the_list_too():
    with lent_to(NOBODY):
        refused('org.weir.Camera', 'pub', 'camera/front', 'denied', user=NOBODY)
        refused('org.weir.Sensor', 'sub', 'sensor/imu/raw', 'denied', user=NOBODY)
        send('org.weir.Camera', 'org.weir.Viewer', 'shared/screen', user=NOBODY)
        refused('org.weir.Viewer', 'pub', 'shared/screen', 'denied', user=NOBODY)  # the user alone is not enough
        publisher = here().start('org.weir.Camera', 'pub', 'shared/screen', '--lines', user=NOBODY)
        assert identity_of(publisher, 'shared/screen') == 'user:nobody package:org.weir.Camera (flatpak-info)'


if __name__ == '__main__':
    main()
