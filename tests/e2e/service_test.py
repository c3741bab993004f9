#!/usr/bin/python3
"""The broker as a service: its units in a real systemd, sockets passed to it, and what it tells its manager.

There is no systemd as the first process of a test machine, so service_manager.py starts one in namespaces of its own,
once as the system's and once as a user's. What cannot be seen there is tried without it: wrong variables and sockets.
"""
import atexit
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import service_manager  # noqa: E402
from tap import Skip, main, test  # noqa: E402

BUILD = pathlib.Path(os.environ['WEIR_BUILD_ROOT'])
WEIR = BUILD / 'clients' / 'cli' / 'weir'
TIMEOUT = 60
SECOND = 1_000_000
POLICY = '[topic."open"]\npublish = ["user:nobody"]\nsubscribe = ["user:root"]\n'
NOBODY = 65534

stage = pathlib.Path(tempfile.mkdtemp(prefix='weir-service-'))
stage.chmod(0o755)
managers = {}


def tidy():
    for manager in managers.values():
        manager.close()
    shutil.rmtree(stage)


atexit.register(tidy)


def run(*command, **how):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=TIMEOUT,
                          check=False, stdin=subprocess.DEVNULL, **how)
    return done.returncode, done.stdout + done.stderr


def installed():
    """What `meson install` puts where systemd looks, with the command of this build in it; name -> text."""
    root = stage / 'installed'
    if not root.exists():
        status, said = run('meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', root)
        assert status == 0, said
        shutil.copy(WEIR, stage / 'weir')  # where another user can run it
    found = {path.name: path for path in root.rglob('*') if path.parent.name in ('user', 'system')}
    return {name: re.sub(r'(?<==)\S*/bin/weir', str(stage / 'weir'), path.read_text(encoding='utf-8'))
            for name, path in found.items()}


def manager(kind):
    """The one of this kind, made when it is first wanted."""
    reason = service_manager.available()
    if reason:
        raise Skip(reason)
    name, path = ('weir' if kind == 'user' else 'weir-system'), stage / kind
    if kind not in managers:
        assert not path.exists(), 'it did not start before'
        units = installed()
        path.mkdir()
        path.chmod(0o755)
        made = service_manager.Manager(path, {unit: units[unit] for unit in (f'{name}.socket', f'{name}.service')},
                                       kind == 'user')
        managers[kind] = made
        if kind == 'system':
            prepare_system(made)
        made.order('start', f'{name}.socket')
    return managers[kind]


def prepare_system(made):
    """What a package would have done: the user, the policy. /etc is the manager's own copy."""
    configuration = stage / 'installed'
    for tool, folder in (('systemd-sysusers', 'sysusers.d'), ('systemd-tmpfiles', 'tmpfiles.d')):
        [found] = configuration.rglob(f'{folder}/weir.conf')
        text = found.read_text(encoding='utf-8')
        [policy] = configuration.rglob('share/weir/broker.conf')
        copy = stage / f'{folder}.conf'
        copy.write_text(re.sub(r'\S*/share/weir/broker.conf', str(policy), text), encoding='utf-8')
        made.must(tool, *(['--create'] if tool == 'systemd-tmpfiles' else []), copy)
    assert 'docs/policy.md' in made.must('cat', '/etc/weir/broker.conf'), 'the example is there'


def weir(made, *arguments, **how):
    return made.must(stage / 'weir', *arguments, **how)


def flow(made, topic, publisher=None, subscriber=None):
    """Three lines from one process to another."""
    reader = made.start(stage / 'weir', 'sub', topic, '--until-end', user=subscriber)
    weir(made, 'pub', topic, '--lines', '--wait-readers', '1', text='one\ntwo\nthree\n', user=publisher)
    out, err = reader.communicate(timeout=TIMEOUT)
    assert (reader.returncode, out) == (0, 'one\ntwo\nthree\n'), f'{reader.returncode}: {out}{err}'


# ---- the units -------------------------------------------------------------------------------------------------------

@test
def systemd_finds_no_fault_in_the_units():
    if not shutil.which('systemd-analyze'):
        raise Skip('needs systemd-analyze')
    folder = stage / 'verify'
    folder.mkdir()
    for name, text in installed().items():
        (folder / name).write_text(text, encoding='utf-8')
    assert sorted(path.name for path in folder.iterdir()) == ['weir-system.service', 'weir-system.socket',
                                                              'weir.service', 'weir.socket']
    for kind, name in (('--user', 'weir'), ('--system', 'weir-system')):
        status, said = run('systemd-analyze', kind, 'verify', folder / f'{name}.socket', folder / f'{name}.service',
                           env=dict(os.environ, SYSTEMD_UNIT_PATH=f'{folder}:', XDG_RUNTIME_DIR='/run'))
        ours = [line for line in said.splitlines() if 'weir' in line]
        assert status == 0 and not ours, said


@test
def no_line_gives_the_broker_a_mount_or_user_namespace():
    apart = re.compile(r'^(Protect(System|Home|Proc|Kernel\w*|ControlGroups)|Private(Tmp|Devices|Users|Mounts|IPC)'
                       r'|Root\w+|ReadOnlyPaths|ReadWritePaths|InaccessiblePaths|BindPaths|TemporaryFileSystem'
                       r'|DynamicUser)=',
                       re.MULTILINE)
    for name, text in installed().items():
        assert not apart.search(text), f'{name}: {apart.search(text)[0]}'


@test
def the_first_client_of_a_user_starts_the_broker():
    made = manager('user')
    assert made.shows('weir.service', 'ActiveState') == 'inactive'
    status = json.loads(weir(made, 'broker', 'status', '--json'))
    assert status['address'] == f'/run/user/{service_manager.USER}/weir/bus' and status['scope'] == 'user', status
    assert made.shows('weir.service', 'ActiveState') == 'active'
    assert made.shows('weir.service', 'MainPID') == str(status['pid'])
    flow(made, 'a/b')


@test
def its_clients_have_full_trust_under_all_the_hardening():
    made = manager('user')
    assert f'user:{service_manager.USER} full trust' in weir(made, 'who')
    process = made.main_process('weir.service')
    assert process['NoNewPrivs'] == '1' and process['Seccomp'] == '2', process
    assert int(process['CapEff'], 16) == 0, process


@test
def it_tells_systemd_how_many_there_are():
    made = manager('user')
    reader = made.start(stage / 'weir', 'sub', 'one/topic')
    made.becomes('weir.service', 'StatusText', lambda text: text.startswith('1 client, 1 topic,'))
    made.finish(reader)
    made.becomes('weir.service', 'StatusText', lambda text: text.startswith('0 clients, 0 topics'))


@test
def a_reload_succeeds_or_shows_what_is_wrong_and_changes_nothing():
    made = manager('user')
    policy = stage / 'user' / 'home' / '.config' / 'weir' / 'broker.conf'
    before = made.shows('weir.service', 'MainPID')
    made.order('reload', 'weir.service')
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text('[topic."a"\n', encoding='utf-8')
    status, _ = made.systemctl('reload', 'weir.service')
    assert status != 0
    assert made.shows('weir.service', 'ActiveState') == 'active' and made.shows('weir.service', 'MainPID') == before
    policy.unlink()
    made.order('reload', 'weir.service')


@test
def one_that_is_killed_is_started_again_and_one_that_hangs_too():
    made = manager('user')
    weir(made, 'broker', 'status')
    before = made.shows('weir.service', 'MainPID')
    made.must('kill', '-9', before)
    killed = made.becomes('weir.service', 'MainPID', lambda pid: pid not in ('0', before))
    weir(made, 'broker', 'status')
    folder = stage / 'user' / 'units' / 'weir.service.d'
    folder.mkdir()
    (folder / 'watchdog.conf').write_text('[Service]\nWatchdogSec=5s\n', encoding='utf-8')
    made.order('daemon-reload')
    made.order('restart', 'weir.service')
    watched = made.becomes('weir.service', 'MainPID', lambda pid: pid not in ('0', killed))
    reader = made.start(stage / 'weir', 'sub', 'one/topic')
    made.becomes('weir.service', 'StatusText', lambda text: text.startswith('1 client,'))
    first = int(made.shows('weir.service', 'WatchdogTimestampMonotonic'))
    made.becomes('weir.service', 'WatchdogTimestampMonotonic', lambda at: int(at) > first + 6 * SECOND)
    assert made.shows('weir.service', 'MainPID') == watched
    made.must('kill', '-STOP', watched)
    made.becomes('weir.service', 'MainPID', lambda pid: pid not in ('0', watched))
    weir(made, 'broker', 'status')
    made.finish(reader)
    (folder / 'watchdog.conf').unlink()
    made.order('daemon-reload')


@test
def while_it_is_stopped_a_client_starts_it_and_without_the_socket_nothing_is_left():
    made = manager('user')
    weir(made, 'broker', 'status')
    made.order('stop', 'weir.service')
    assert made.shows('weir.service', 'Result') == 'success'
    weir(made, 'broker', 'status')
    assert made.shows('weir.service', 'ActiveState') == 'active'
    made.order('stop', 'weir.socket', 'weir.service')
    assert made.run(stage / 'weir', 'broker', 'status')[0] == 3
    assert made.must('ls', f'/run/user/{service_manager.USER}/weir') == ''
    made.order('start', 'weir.socket')


@test
def with_a_wrong_policy_it_does_not_start_and_says_where_the_mistake_is():
    made = manager('user')
    policy = stage / 'user' / 'home' / '.config' / 'weir' / 'broker.conf'
    made.order('stop', 'weir.service')
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text('[topic."a"\n', encoding='utf-8')
    assert made.run(stage / 'weir', 'broker', 'status')[0] == 3, 'who waited is let go'
    assert 'broker.conf:1:' in made.becomes('weir.service', 'StatusText', lambda text: 'broker.conf' in text)
    policy.unlink()
    made.order('reset-failed', 'weir.service')
    made.order('restart', 'weir.socket')
    weir(made, 'broker', 'status')


@test
def the_broker_of_the_system_serves_every_user_and_knows_each():
    made = manager('system')
    made.must('sh', '-c', 'cat >/etc/weir/broker.conf', text=POLICY)
    status = json.loads(weir(made, 'broker', 'status', '--json'))
    assert status['address'] == '/run/weir/bus' and status['scope'] == 'system', status
    flow(made, 'open', publisher=NOBODY, subscriber=0)
    denied, said = made.run(stage / 'weir', 'sub', 'open', user=NOBODY)
    assert denied == 5 and f'user:{NOBODY}' in said, said
    process = made.main_process('weir-system.service')
    user = made.must('id', '-u', 'weir').strip()
    assert process['Uid'].split() == [user] * 4, process
    assert int(process['CapEff'], 16) == int(process['CapBnd'], 16) == 1 << 19, f'CAP_SYS_PTRACE alone: {process}'
    assert process['NoNewPrivs'] == '1' and process['Seccomp'] == '2', process


@test
def a_change_of_the_systems_policy_counts_after_a_reload():
    made = manager('system')
    made.must('sh', '-c', 'cat >/etc/weir/broker.conf', text=POLICY + '[topic."new"]\npublish = ["user:root"]\n')
    assert made.run(stage / 'weir', 'pub', 'new', '--lines', text='x\n')[0] == 5
    made.order('reload', 'weir-system.service')
    weir(made, 'pub', 'new', '--lines', text='x\n')


@test
def a_packages_socket_is_a_unit_of_its_own():
    made = manager('system')
    made.order('stop', 'weir-system.service', 'weir-system.socket')
    (stage / 'system' / 'units' / 'camera.socket').write_text(
        '[Socket]\nListenSequentialPacket=/run/weir-camera/bus\nFileDescriptorName=package=org.weir.Camera\n'
        'Service=weir-system.service\n', encoding='utf-8')
    made.order('daemon-reload')
    made.order('start', 'camera.socket', 'weir-system.socket')
    reader = made.start(stage / 'weir', 'sub', 'open')
    denied, said = made.run(stage / 'weir', 'pub', 'open', '-b', '/run/weir-camera/bus', '--lines', text='x\n')
    assert denied == 5 and 'package:org.weir.Camera' in said, said
    made.finish(reader)


# ---- sockets without systemd's own hands -----------------------------------------------------------------------------

PASS = '''
import json, os, sys
numbers, variables, command = json.loads(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
for place, number in enumerate(numbers, 3):
    os.dup2(number, place)
os.environ.update({key: value.replace('SELF', str(os.getpid())) for key, value in variables.items()})
os.execv(command[0], command)
'''


class Passed:
    """A broker that was given these sockets, each name -> kind and place, as a service manager would."""

    def __init__(self, sockets, *arguments, place=None, **variables):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='weir-passed-', dir=stage)) if place is None else place
        self.folder.chmod(0o700)
        self.sockets = [made(self.folder) for made in sockets.values()]
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(self.folder / 'notify'))
        self.manager.settimeout(TIMEOUT)
        words = {'LISTEN_PID': 'SELF', 'LISTEN_FDS': str(len(sockets)), 'LISTEN_FDNAMES': ':'.join(sockets),
                 'NOTIFY_SOCKET': str(self.folder / 'notify')}
        words.update(variables)
        high = [os.dup(made.fileno()) for made in self.sockets]
        high = [self.number_above(number) for number in high]
        environment = {'PATH': os.environ['PATH'], 'HOME': str(self.folder), 'XDG_RUNTIME_DIR': str(self.folder)}
        self.process = subprocess.Popen(
            [sys.executable, '-c', PASS, json.dumps(high), json.dumps(words), str(WEIR), 'broker', 'run', *arguments],
            env=environment, pass_fds=high, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        for number in high:
            os.close(number)
        self.path = self.folder / 'bus'

    @staticmethod
    def number_above(number):
        import fcntl
        higher = fcntl.fcntl(number, fcntl.F_DUPFD, 100)
        os.close(number)
        return higher

    def told(self):
        """The manager's next datagram, as KEY -> value."""
        text = self.manager.recv(4096).decode()
        return dict(line.split('=', 1) for line in text.splitlines())

    def told_until(self, key, value=''):
        while True:
            words = self.told()
            if words.get(key, ' ').startswith(value) and key in words:
                return words

    def ready(self):
        self.told_until('READY')
        return self

    def weir(self, *arguments, place='bus', **how):
        return run(WEIR, *arguments, '-b', self.folder / place, **how)

    def end(self, number=signal.SIGTERM):
        """(exit status, the log)"""
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        _, log = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, log


def listening(name='bus', kind=socket.SOCK_SEQPACKET, listens=True):
    def make(folder):
        made = socket.socket(socket.AF_UNIX, kind)
        made.bind(name if name.startswith('\0') else str(folder / name))
        if listens:
            made.listen(16)
        return made
    return make


@test
def systemds_own_program_starts_it_and_hands_the_socket_over():
    if not shutil.which('systemd-socket-activate'):
        raise Skip('needs systemd-socket-activate')
    folder = pathlib.Path(tempfile.mkdtemp(prefix='weir-passed-', dir=stage))
    path = folder / 'bus'
    process = subprocess.Popen(['systemd-socket-activate', '--seqpacket', '-l', path, WEIR, 'broker', 'run'],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + TIMEOUT
    while not path.exists():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.01)
    status, said = run(WEIR, 'broker', 'status', '-b', path)
    assert status == 0 and f'pid {process.pid}' in said, said
    assert run(WEIR, 'broker', 'stop', '-b', path)[0] == 0
    _, log = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0 and path.exists(), 'the socket is not its own to remove'
    assert f'weir: the broker listens at {path}' in log and 'stopped by weir broker' in log, log


@test
def a_passed_socket_is_served_and_stays_where_it_is():
    broker = Passed({'bus': listening()}).ready()
    before = broker.path.stat().st_ino
    assert broker.weir('broker', 'status')[0] == 0
    assert not (broker.folder / 'bus.lock').exists(), 'nobody contends for a socket that is the manager\'s'
    status, log = broker.end()
    assert status == 0 and broker.path.stat().st_ino == before, log


@test
def variables_for_another_process_are_ignored():
    broker = Passed({'bus': listening('other')}, LISTEN_PID='1').ready()
    own = broker.folder / 'weir' / 'bus'
    assert run(WEIR, 'broker', 'status', '-b', own)[0] == 0, 'it listens where it always does'
    status, log = broker.end()
    assert status == 0 and f'listens at {own}' in log, log
    assert not own.exists() and not own.with_suffix('.lock').exists()


@test
def what_is_no_socket_for_a_broker_is_refused_by_name_and_with_the_remedy():
    wrong = {
        'stream': (listening(kind=socket.SOCK_STREAM), 'ListenSequentialPacket='),
        'silent': (listening(listens=False), 'Accept=no'),
        'abstract': (listening(f'\0weir-{os.getpid()}'), 'absolute path'),
    }
    for name, (make, remedy) in wrong.items():
        broker = Passed({name: make})
        status, log = broker.wait()
        assert status == 2 and f"('{name}')" in log and remedy in log, f'{status} {log}'
        assert remedy in broker.told()['STATUS'], 'systemctl status says why'


@test
def what_is_no_socket_at_all_is_refused():
    broker = Passed({'file': lambda folder: (folder / 'file').open('w')})
    status, log = broker.wait()
    assert status == 2 and 'no unix socket' in log, log


@test
def a_count_that_makes_no_sense_is_refused():
    for count, words in (('0', "LISTEN_FDS is '0'"), ('-1', 'no number'), ('1x', 'no number'), ('9', 'is not open'),
                         ('100000000000000000000', 'no number')):
        status, log = Passed({'bus': listening()}, LISTEN_FDS=count).wait()
        assert status == 2 and words in log, f'{count}: {status} {log}'


@test
def a_directory_that_others_can_write_is_refused():
    folder = pathlib.Path(tempfile.mkdtemp(prefix='weir-passed-', dir=stage))
    (folder / 'open').mkdir()
    (folder / 'open').chmod(0o777)
    status, log = Passed({'bus': listening('open/bus')}, place=folder).wait()
    assert status == 5 and 'can be written by others' in log, f'{status} {log}'


@test
def the_name_of_a_socket_makes_it_a_packages():
    broker = Passed({'bus': listening(), 'package=org.weir.Camera': listening('camera')}).ready()
    status, said = broker.weir('sub', 'x', place='camera')
    assert status == 5 and 'package:org.weir.Camera' in said, said
    assert broker.weir('broker', 'status')[0] == 0
    assert broker.end()[0] == 0


@test
def a_packages_socket_alone_or_a_wrong_package_is_refused():
    for names, words in ((['package=org.weir.Camera'], 'needs an ordinary one'),
                         (['bus', 'package=../x'], 'no name of a package')):
        status, log = Passed({name: listening(f'socket{i}') for i, name in enumerate(names)}).wait()
        assert status == 2 and words in log, log


@test
def another_address_than_the_passed_one_is_a_mistake():
    folder = pathlib.Path(tempfile.mkdtemp(prefix='weir-passed-', dir=stage))
    status, log = Passed({'bus': listening()}, '--address', str(folder / 'elsewhere'), place=folder).wait()
    assert status == 2 and '--address' in log, log
    broker = Passed({'bus': listening('again')}, '--address', str(folder / 'x' / '..' / 'again'),
                    place=pathlib.Path(tempfile.mkdtemp(prefix='weir-passed-', dir=stage)))
    assert broker.wait()[0] == 2


@test
def it_tells_its_manager_of_start_reload_and_stop():
    broker = Passed({'bus': listening()}, WATCHDOG_USEC=str(SECOND // 5)).ready()
    broker.told_until('WATCHDOG')
    before = time.monotonic()
    for _ in range(5):
        broker.told_until('WATCHDOG')
    assert time.monotonic() - before < 5 * 0.2 + 5, 'half as often as asked, on a machine that is busy'
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    broker.process.send_signal(signal.SIGHUP)
    reloading = broker.told_until('RELOADING')
    assert reloading['RELOADING'] == '1' and int(reloading['MONOTONIC_USEC']) >= now - SECOND, reloading
    assert broker.told_until('READY')['READY'] == '1'
    assert broker.weir('broker', 'reload')[0] == 0
    broker.told_until('RELOADING')
    broker.told_until('READY')
    broker.process.terminate()
    assert broker.told_until('STOPPING')['STOPPING'] == '1'
    status, log = broker.wait()
    assert status == 0 and 'stops on SIGTERM' in log, log


@test
def a_manager_with_an_abstract_name_is_told_too():
    name = f'weir-notify-{os.getpid()}'
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(f'\0{name}')
    heard.settimeout(TIMEOUT)
    broker = Passed({'bus': listening()}, NOTIFY_SOCKET=f'@{name}')
    assert b'READY=1' in heard.recv(4096)
    assert broker.end(signal.SIGINT)[0] == 0


@test
def a_manager_that_does_not_listen_holds_nobody_up():
    broker = Passed({'bus': listening()}, NOTIFY_SOCKET='/nowhere/at/all')
    assert broker.weir('broker', 'status')[0] == 0
    assert broker.end()[0] == 0


@test
def without_a_client_it_ends_and_one_that_waits_is_served_by_the_next():
    broker = Passed({'bus': listening()}, '--idle-exit', '1').ready()
    status, log = broker.wait()
    assert status == 0 and 'no client for' in log, log
    waiting = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    waiting.settimeout(TIMEOUT)
    waiting.connect(str(broker.path))
    waiting.send(b'not a message of weir')
    second = Passed({'bus': lambda folder: broker.sockets[0]})
    assert b'not a message of weir' in waiting.recv(4096), 'it is told what is wrong with it'
    waiting.close()
    assert second.end()[0] == 0


@test
def while_there_is_a_client_it_does_not_end():
    broker = Passed({'bus': listening()}, '--idle-exit', '500ms', WATCHDOG_USEC=str(2 * SECOND))
    reader = subprocess.Popen([WEIR, 'sub', 'x', '-b', broker.path], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    broker.ready().told_until('STATUS', '1 client')
    for _ in range(3):
        broker.told_until('WATCHDOG')  # one each second
    assert broker.process.poll() is None
    reader.terminate()
    reader.wait(TIMEOUT)
    assert broker.wait()[0] == 0


# ---- the log ---------------------------------------------------------------------------------------------------------

def log_of(journal):
    """The log's lines, where stderr is the stream that JOURNAL_STREAM names, or another one."""
    reading, writing = os.pipe()
    status = os.fstat(writing)
    folder = pathlib.Path(tempfile.mkdtemp(prefix='weir-passed-', dir=stage))
    inode = status.st_ino if journal else status.st_ino + 1
    process = subprocess.Popen([WEIR, 'broker', 'run', '-a', folder / 'bus'], stdin=subprocess.DEVNULL, stderr=writing,
                               env=dict(os.environ, JOURNAL_STREAM=f'{status.st_dev}:{inode}'))
    os.close(writing)
    with os.fdopen(reading, encoding='utf-8') as lines:
        first = lines.readline()
        process.terminate()
        rest = lines.read()
    assert process.wait(TIMEOUT) == 0
    return [first, *rest.splitlines()]


@test
def each_start_refusal_death_reload_and_stop_is_one_line():
    policy = stage / 'log.conf'
    policy.write_text('[topic."a"]\npublish = ["user:root"]\n', encoding='utf-8')
    broker = Passed({'bus': listening()}, '--config', str(policy)).ready()
    assert broker.weir('sub', 'a')[0] == 5
    dead = subprocess.Popen([WEIR, 'pub', 'a', '--lines', '-b', broker.path], stdin=subprocess.PIPE)
    broker.told_until('STATUS', '1 client, 1 topic,')
    dead.kill()
    dead.communicate(timeout=TIMEOUT)
    broker.told_until('STATUS', '0 clients')
    policy.write_text('[topic."a\n', encoding='utf-8')
    assert broker.weir('broker', 'reload')[0] == 2
    policy.write_text('[topic."a"]\npublish = ["user:root"]\n', encoding='utf-8')
    assert broker.weir('broker', 'reload')[0] == 0
    there = subprocess.Popen([WEIR, 'pub', 'a', '--lines', '-b', broker.path], stdin=subprocess.PIPE)
    broker.told_until('STATUS', '1 client, 1 topic,')
    status, log = broker.end()
    there.kill()
    there.communicate(timeout=TIMEOUT)
    lines = log.splitlines()
    for place, words in enumerate(('the broker listens at', "refused weir sub (pid", 'gone: weir pub (pid',
                                   'the old policy stays', 'refused weir broker (pid', 'policy reloaded',
                                   'stops on SIGTERM')):
        assert lines[place].startswith('weir: ') and words in lines[place], log
    assert status == 0 and len(lines) == 7, f'nobody is gone because the broker is: {log}'


@test
def lines_have_priorities_in_the_journal_and_nowhere_else():
    assert log_of(journal=True)[0].startswith('<6>the broker listens at ')
    assert log_of(journal=True)[-1].startswith('<5>the broker at ')
    assert log_of(journal=False)[0].startswith('weir: the broker listens at ')


if __name__ == '__main__':
    main()
