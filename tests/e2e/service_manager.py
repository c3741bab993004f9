"""systemd itself, started for a test: as the machine's first process or as a user's manager.

It gets namespaces of its own for cgroups, mounts and processes, so that all it does to /run, /etc and the cgroups is
seen by nobody else and is gone with it. Nothing of the machine's own units is started: it sees the units that it is
given and targets without content. Needs root.
"""
import os
import pathlib
import shutil
import subprocess
import time

TIMEOUT = 60
START_TIMEOUT = 150  # moving a process to another cgroup waits for all that fork at the time
USER = 4242
SYSTEMD = '/lib/systemd/systemd'
CGROUPS = pathlib.Path('/sys/fs/cgroup')
TARGETS = ('basic', 'exit', 'paths', 'shutdown', 'sockets', 'sysinit', 'timers', 'umount')

# $1: where the test's files are. What is mounted here is seen by nobody else.
INSIDE = r'''
set -e
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,ro,bind /proc/sys
cp -a /etc "$1/etc"
mount --bind "$1/etc" /etc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system /run/user/USER
chown USER:USER /run/user/USER
if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        hierarchies=/sys/fs/cgroup
else
        mount -t tmpfs tmpfs /sys/fs/cgroup
        mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
        mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
        mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
        hierarchies='/sys/fs/cgroup/systemd /sys/fs/cgroup/unified'
fi
'''.replace('USER', str(USER))
SYSTEM = INSIDE + f'exec {SYSTEMD} --system --unit=basic.target'
# The first process is the shell. A user's manager needs a cgroup that is its user's.
A_USER = INSIDE + rf'''
for hierarchy in $hierarchies; do
        mkdir $hierarchy/user
        echo 0 >$hierarchy/user/cgroup.procs
        chown -R {USER}:{USER} $hierarchy/user
done
setpriv --reuid {USER} --regid {USER} --clear-groups {SYSTEMD} --user --unit=basic.target &
wait
'''


def hierarchies():
    """Where systemd keeps its groups here."""
    if (CGROUPS / 'cgroup.procs').exists():
        return [CGROUPS]
    return [CGROUPS / name for name in ('systemd', 'unified') if (CGROUPS / name).exists()]


class Manager:
    """units: name -> text. Its files are in `path`, which the caller made and removes."""

    def __init__(self, path, units, is_user):
        self.path, self.is_user = path, is_user
        self.groups = [place / f'weir-test-{os.getpid()}-{path.name}' for place in hierarchies()]
        (path / 'units').mkdir()
        for target in TARGETS:
            (path / 'units' / f'{target}.target').write_text('[Unit]\nDefaultDependencies=no\n', encoding='utf-8')
        for name, text in units.items():
            (path / 'units' / name).write_text(text, encoding='utf-8')
        (path / 'home').mkdir()
        os.chown(path / 'home', USER, USER)
        self.log = (path / 'systemd.log').open('w', encoding='utf-8')
        self.process = subprocess.Popen(
            ['unshare', '-m', '-p', '-C', '-u', '-f', '--kill-child', '--propagation', 'private', 'sh', '-c',
             A_USER if is_user else SYSTEM, 'sh', path],
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            preexec_fn=self.enter_groups)
        self.first = None
        try:
            self.first = self.inner(self.process)
            self.wait_until_up()
        except BaseException:
            self.close()
            raise

    def wait_until_up(self):
        end = time.monotonic() + START_TIMEOUT
        status, said = self.systemctl('is-active', 'basic.target')
        while status != 0:
            assert self.process.poll() is None, f'exit {self.process.returncode}: {self.said()}'
            assert time.monotonic() < end, f'it does not come up: {said}{self.said()}'
            time.sleep(0.05)
            status, said = self.systemctl('is-active', 'basic.target')

    def enter_groups(self):
        for group in self.groups:
            group.mkdir()
            (group / 'cgroup.procs').write_text('0', encoding='ascii')

    def inner(self, process):
        """The one child of a process: what runs in the namespaces, behind unshare or nsenter, which stay outside."""
        end = time.monotonic() + TIMEOUT
        children = pathlib.Path(f'/proc/{process.pid}/task/{process.pid}/children')
        while time.monotonic() < end:
            found = children.read_text(encoding='ascii').split()
            if found:
                return found[0]
            time.sleep(0.01)
        raise AssertionError(self.said())

    def finish(self, process):
        """Ends what start() began."""
        os.kill(int(self.inner(process)), 15)
        process.communicate(timeout=TIMEOUT)

    def environment(self):
        return {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8', 'HOME': str(self.path / 'home'),
                'container': 'other', 'SYSTEMD_UNIT_PATH': str(self.path / 'units'), 'SYSTEMD_LOG_TARGET': 'console',
                'SYSTEMD_LOG_LEVEL': 'info', 'SYSTEMD_PAGER': '',
                **({'XDG_RUNTIME_DIR': f'/run/user/{USER}'} if self.is_user else {})}

    def said(self):
        return (self.path / 'systemd.log').read_text(encoding='utf-8')

    def start(self, *command, user=None, **how):
        """A command beside the manager, as its user."""
        user = (USER if self.is_user else 0) if user is None else user
        become = ['setpriv', '--reuid', str(user), '--regid', str(user), '--clear-groups'] if user else []
        return subprocess.Popen(
            ['nsenter', '-t', self.first, '-m', '-p', '-C', '-u', *become, *(str(word) for word in command)],
            env=self.environment(), cwd='/', stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, **how)

    def run(self, *command, text='', **how):
        """(exit status, all that it said)"""
        process = self.start(*command, **how)
        out, err = process.communicate(text, timeout=TIMEOUT)
        return process.returncode, out + err

    def must(self, *command, **how):
        status, said = self.run(*command, **how)
        assert status == 0, f'{command}: exit {status}: {said}\n{self.said()}'
        return said

    def systemctl(self, *arguments):
        return self.run('systemctl', *(['--user'] if self.is_user else []), *arguments)

    def order(self, *arguments):
        status, said = self.systemctl(*arguments)
        assert status == 0, f'{arguments}: {said}\n{self.said()}'
        return said

    def shows(self, unit, what):
        return self.order('show', '--value', f'--property={what}', unit).strip()

    def becomes(self, unit, what, wanted):
        end = time.monotonic() + TIMEOUT
        while not wanted(self.shows(unit, what)):
            assert time.monotonic() < end, f'{unit} {what}={self.shows(unit, what)}\n{self.said()}'
            time.sleep(0.05)
        return self.shows(unit, what)

    def main_process(self, unit):
        """The lines of /proc/PID/status of a service."""
        pid = self.shows(unit, 'MainPID')
        assert pid != '0', self.order('status', unit)
        text = self.must('cat', f'/proc/{pid}/status', user=0)
        return dict(line.split(':\t', 1) for line in text.splitlines() if ':\t' in line)

    def close(self):
        """All processes in the namespace end with its first one, and that with unshare (--kill-child)."""
        self.process.kill()
        self.process.wait(TIMEOUT)
        self.log.close()
        end = time.monotonic() + TIMEOUT
        for group in self.groups:
            while group.exists() and time.monotonic() < end:
                for folder, _, _ in os.walk(group, topdown=False):
                    try:
                        os.rmdir(folder)
                    except OSError:  # a process in it is not gone yet
                        time.sleep(0.01)


def available():
    """Why it cannot run here; None: it can."""
    if os.geteuid() != 0:
        return 'needs root'
    if not all(os.access(place, os.W_OK) for place in hierarchies()):
        return 'needs a writable /sys/fs/cgroup'
    missing = [name for name in ('unshare', 'nsenter', 'setpriv') if not shutil.which(name)]
    if missing or not os.path.exists(SYSTEMD):
        return f'needs {", ".join(missing) or SYSTEMD}'
    return None
