#!/usr/bin/python3
"""Snaps and labels, in guest kernels: Debian's own kernel under QEMU, once with AppArmor and once with SELinux.

Everything is emulated (TCG), so it runs where there is no KVM, too. The guest is one archive in memory: busybox, the
programs under test with their libraries, the policy of the LSM, and a script whose lines of output are the tests. What
such a kernel shows besides is how weir does before Linux 6.5, where a socket has no pidfd of its peer.

The kernel and AppArmor's compiler are what `./dev guest` has fetched into build-cache.
"""
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, tests  # noqa: E402

SOURCE = pathlib.Path(os.environ['WEIR_SOURCE_ROOT'])
BUILD = pathlib.Path(os.environ['WEIR_BUILD_ROOT'])
HERE = SOURCE / 'tests' / 'guest'
GUEST = BUILD / 'tests' / 'guest' / 'label_guest'
WEIR = BUILD / 'clients' / 'cli' / 'weir'
CACHE = SOURCE / 'build-cache' / 'guest'
TIMEOUT = 240  # a booted and halted guest takes 10 s here; a loaded machine may take its time

INIT = '''#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -m 700 /tmp/label /tmp/bus
export PATH=/bin
{
. /lsm.sh
echo BEGIN
/bin/label_guest run $LSM
. /frames.sh
echo END
} >/dev/console 2>&1
poweroff -f
'''

APPARMOR = '''LSM=apparmor
mount -t securityfs securityfs /sys/kernel/security
apparmor_parser --add --skip-cache /policy
'''

SELINUX = '''LSM=selinux
mount -t selinuxfs selinuxfs /sys/fs/selinux
dd if=/policy of=/sys/fs/selinux/load bs=4M 2>/dev/null
'''

# Whole frames through broker and command: who has the label gets them, who has not is refused.
FRAMES = '''
export WEIR_BROKER=/tmp/bus/bus
weir broker run --config /policy.conf 2>/tmp/broker.log &
while kill -0 $! && [ ! -S $WEIR_BROKER ]; do sleep 0.1; done
as() { label=$1; shift; timeout 60 /bin/label_guest as $label /bin/weir "$@"; }
as @MAY@ sub label/frames --until-end >/tmp/got 2>/tmp/said &
seq 1 100 | as @MAY@ pub label/frames --lines --wait-readers 1 2>&1 | sed 's/^/# /'
wait %2
if seq 1 100 | cmp - /tmp/got; then echo "ok @MAY_NAME@"
else sed 's/^/# /' /tmp/said /tmp/broker.log; echo "not ok @MAY_NAME@"; fi
if as @MAY_NOT@ sub label/frames -t 20 >/tmp/got 2>/tmp/said; then echo "not ok @MAY_NOT_NAME@"
elif grep -q '@WHY@' /tmp/said; then echo "ok @MAY_NOT_NAME@"
else sed 's/^/# /' /tmp/said; echo "not ok @MAY_NOT_NAME@"; fi
'''

GUESTS = {
    'apparmor': {
        'boot': 'security=apparmor apparmor=1', 'setup': APPARMOR,
        'policy.conf': '[topic."label/frames"]\npublish = ["package:firefox"]\nsubscribe = ["package:firefox"]\n',
        'MAY': 'snap.firefox.firefox', 'MAY_NAME': 'a Snap publishes and subscribes under its name',
        'MAY_NOT': 'snap.code_two.hook.install', 'MAY_NOT_NAME': 'a Snap that is not in the policy is refused',
        'WHY': 'denied.*package:code_two',
    },
    'selinux': {
        'boot': 'security=selinux selinux=1 enforcing=0', 'setup': SELINUX,
        'policy.conf': '[topic."label/frames"]\npublish = ["user:0"]\nsubscribe = ["user:0"]\n',
        'MAY': 'weir_u:weir_r:unconfined_t', 'MAY_NAME': 'an unconfined type publishes and subscribes',
        'MAY_NOT': 'weir_u:weir_r:sensor_t', 'MAY_NOT_NAME': 'a confined type is refused',
        'WHY': 'denied.*nobody vouches',
    },
}


def fetched(pattern):
    found = sorted(CACHE.glob(pattern))
    assert found, f'build-cache/guest has no {pattern}: ./dev guest fetches it'
    return found[-1]


def libraries(program):
    listed = subprocess.run(['ldd', program], capture_output=True, text=True, check=False).stdout
    return [pathlib.Path(path) for path in re.findall(r'(?:^\s*|=> )(/\S+)', listed, re.MULTILINE)]


def put(root, program, place=None):
    """A program of ours or of the system, with what it links, at the same paths inside."""
    for source, target in ((program, place or f'bin/{pathlib.Path(program).name}'),
                           *((path, str(path).lstrip('/')) for path in libraries(program))):
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, root / target)


def archive(root, lsm, guest):
    for folder in ('bin', 'proc', 'sys', 'dev', 'tmp', 'etc'):
        (root / folder).mkdir()
    for program in ('/bin/busybox', GUEST, WEIR):
        put(root, program)
    if lsm == 'apparmor':
        put(root, fetched('sbin/apparmor_parser'))
        (root / 'etc/apparmor').mkdir()
        (root / 'etc/apparmor/parser.conf').touch()
        shutil.copy(HERE / 'apparmor.profiles', root / 'policy')
    else:
        subprocess.run(['secilc', '-c', '30', '-o', root / 'policy', '-f', '/dev/null', HERE / 'selinux.cil'],
                       check=True)
    frames = FRAMES
    for key, value in guest.items():
        frames = frames.replace(f'@{key}@', value)
    for name, text in {'init': INIT, 'lsm.sh': guest['setup'], 'frames.sh': frames,
                       'policy.conf': guest['policy.conf']}.items():
        (root / name).write_text(text, encoding='utf-8')
    (root / 'init').chmod(0o755)
    names = '\n'.join(str(path.relative_to(root)) for path in sorted(root.rglob('*'))) + '\n'
    packed = subprocess.run(['cpio', '--create', '--format=newc', '--quiet', '--owner=0:0'], cwd=root,
                            input=names.encode(), capture_output=True, check=True)
    return gzip.compress(packed.stdout, 1)


def start(folder, lsm):
    """The guest of one LSM, booting."""
    guest = GUESTS[lsm]
    (folder / lsm).mkdir()
    (folder / f'{lsm}.gz').write_bytes(archive(folder / lsm, lsm, guest))
    return subprocess.Popen(
        ['qemu-system-x86_64', '-accel', 'tcg', '-cpu', 'max', '-m', '384', '-nodefaults', '-no-reboot', '-nographic',
         '-serial', 'stdio', '-kernel', fetched('boot/vmlinuz-*'), '-initrd', folder / f'{lsm}.gz',
         '-append', f'console=ttyS0 quiet panic=-1 {guest["boot"]}'],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def spoken(process):
    """Its console, line by line, without what a terminal would make of it."""
    try:
        out, _ = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
    text = re.sub(rb'\x1b\[[0-9;?]*[A-Za-z]|\x1bc', b'', out).decode('utf-8', 'replace')
    return text.replace('\r', '').splitlines()


class Consoles:
    """Both guests run once, at the same time, when the first test asks."""

    def __init__(self):
        self.lines = None

    def of(self, lsm):
        if self.lines is None:
            with tempfile.TemporaryDirectory(prefix='weir-guest-') as folder:
                running = {name: start(pathlib.Path(folder), name) for name in GUESTS}
                self.lines = {name: spoken(process) for name, process in running.items()}
        return self.lines[lsm]


def add(consoles, lsm, name):
    def scene():
        lines = consoles.of(lsm)
        assert f'ok {name}' in lines, 'the guest said:\n' + '\n'.join(lines[-60:])
    scene.__name__ = f'{lsm}: {name}'
    tests.append(scene)


def add_all():
    consoles = Consoles()
    for lsm, guest in GUESTS.items():
        names = subprocess.run([GUEST, 'list', lsm], capture_output=True, text=True, check=True).stdout.splitlines()
        for name in (*names, guest['MAY_NAME'], guest['MAY_NOT_NAME']):
            add(consoles, lsm, name)


if __name__ == '__main__':
    add_all()
    main()
