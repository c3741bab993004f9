#!/usr/bin/python3
"""The demo holds with a small clip, and each of its checks sees the failure that it is there for."""
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import Skip, main, test  # noqa: E402

WEIR = pathlib.Path(os.environ['WEIR_BUILD_ROOT']) / 'clients' / 'cli' / 'weir'
PICTURES = 40
ATTACKS = ['mprotect', 'second map', 'reopen through procfs', 'write', 'hole punch', 'truncate']
FOLDER = tempfile.TemporaryDirectory(prefix='weir-demo-test-')
CLIP = pathlib.Path(FOLDER.name) / 'clip.mkv'


def make_clip():
    """PICTURES coded frames, all different."""
    if not CLIP.exists():
        subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=25', '-frames:v',
                        str(PICTURES), '-c:v', 'mpeg4', str(CLIP)], check=True, stdin=subprocess.DEVNULL)


def start(*arguments, prefix=(), path=None, video=CLIP, stderr=subprocess.PIPE):
    make_clip()
    home = tempfile.mkdtemp(prefix='t', dir=FOLDER.name)
    os.chmod(FOLDER.name, 0o755)
    os.chmod(home, 0o777)
    environment = {**os.environ, 'TMPDIR': home, 'PATH': path or os.environ['PATH']}
    process = subprocess.Popen([*prefix, str(WEIR), 'demo', '--video', str(video), '--size', '320x180', '--live', '0.4',
                                '--memory', '0.1', '--pictures', '30', *arguments], env=environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True)
    return process, home


def demo(*arguments, **how):
    """(exit code, stdout, stderr)"""
    process, home = start(*arguments, **how)
    out, err = process.communicate(timeout=120)
    assert not os.listdir(home), f'left behind: {os.listdir(home)}'
    return process.returncode, out, err


def document(*arguments, expect, **how):
    code, out, err = demo('--json', *arguments, **how)
    assert code == expect, f'exit {code}, not {expect}\n{out}{err}'
    return json.loads(out)


def faulty(what, expect, *words):
    """The demo breaks `what` and must see it: the exit code, and a fault with all of these words."""
    faults = document('--break', what, expect=expect)['faults']
    assert any(all(word in fault for word in words) for fault in faults), f'{words} are not in {faults}'


@test
def all_of_it_holds_in_a_sandbox():
    found = document(expect=0)
    assert found['held'] and found['sandboxed'] and found['faults'] == []
    passes = {entry['pass']: entry for entry in found['passes']}
    assert found['coded_frames'] == found['outside_frames'] == passes['fast']['frames'] == PICTURES
    assert passes['fast']['sha256'] == found['outside_sha256'] and len(found['outside_sha256']) == 64
    for name in ('live', 'fast', 'memory'):
        entry = passes[name]
        assert entry['frames'] > 0 and entry['bytes'] == entry['frames'] * 320 * 180 * 3 // 2, entry
        assert entry['lost'] == entry['skipped'] == entry['hash_failures'] == entry['copied_bytes'] == 0, entry
        assert entry['copies'] == 0 and entry['latency_p50_ns'] > 0, entry
        assert entry['latency_p50_ns'] <= entry['latency_p99_ns'] <= entry['latency_max_ns'], entry
    assert passes['fast']['filled_bytes'] == passes['fast']['bytes']
    assert passes['memory']['pictures'] == 30 and passes['memory']['frames'] >= 30
    assert passes['pipe']['frames'] >= 30 and passes['pipe']['hash_failures'] == 0
    assert [attack['way'] for attack in found['attacks']] == ATTACKS
    assert all(attack['error'] in ('EACCES', 'EPERM', 'EBADF') for attack in found['attacks']), found['attacks']
    assert len(found['lane_sha256']) == 64 and found['held_frames'] == 8
    assert found['refusal'].startswith('denied:') and 'org.weir.Stranger' in found['refusal']
    assert found['sandbox'] == {'capabilities': 0, 'write_root': 'EROFS', 'new_namespace': 'ENOSPC',
                                'host_passwords': 'ENOENT'}, found['sandbox']


@test
def the_summary_says_it_in_words_and_ends_with_what_was_lost():
    code, out, err = demo()
    assert code == 0, out + err
    assert out.endswith('hash failures 0, lost 0\n'), out
    for words in ('all of it held', 'org.weir.Camera in a sandbox', 'copies', 'filling', 'the same decoder outside',
                  'refused', 'held back', *ATTACKS, 'bytes are unchanged', 'as fast'):
        assert words in out, f'{words} is missing in\n{out}'
    assert '\r' not in err, 'progress belongs on a terminal'


@test
def progress_appears_on_a_terminal_and_not_with_q():
    for quiet, expected in (([], True), (['-q'], False)):
        main_end, terminal = pty.openpty()
        process, _ = start(*quiet, stderr=terminal)
        os.close(terminal)
        out = process.stdout.read()
        shown = b''
        try:
            while piece := os.read(main_end, 65536):
                shown += piece
        except OSError:  # how a terminal says that nobody has its other end open
            pass
        os.close(main_end)
        assert process.wait(timeout=60) == 0 and out.endswith('hash failures 0, lost 0\n'), out
        assert (b' frames ' in shown) == expected, shown


@test
def a_flipped_pixel_is_seen():
    faulty('pixel', 7, 'live:', 'the pixels of 1 frames')
    faulty('pixel', 7, 'SHA-256')


@test
def a_bit_that_flips_after_the_frame_was_published_is_seen_by_libweir():
    found = document('--break', 'hash', expect=7)
    assert any('live: 1 frames failed their hash' in fault for fault in found['faults']), found['faults']
    live = next(entry for entry in found['passes'] if entry['pass'] == 'live')
    assert live['hash_failures'] == 1, live


@test
def a_bit_that_flips_after_libweir_has_verified_the_frame_is_seen_by_the_demo():
    found = document('--break', 'late', expect=7)
    assert found['faults'] == ['the pixels of a held frame are not those that libweir verified'], found['faults']
    assert all(entry['hash_failures'] == 0 for entry in found['passes']), found['passes']


@test
def a_picture_left_out_is_seen():
    faulty('drop', 7, f'has {PICTURES} coded frames', f'{PICTURES - 1} came through the bus')


@test
def frames_that_are_lost_are_seen():
    found = document('--break', 'loss', '--size', '1280x720', expect=7)
    assert any(fault.startswith('memory: lost ') for fault in found['faults']), found['faults']
    memory = next(entry for entry in found['passes'] if entry['pass'] == 'memory')
    assert memory['lost'] > 0 and memory['frames'] + memory['lost'] >= 30, memory


@test
def a_library_that_copies_is_seen():
    faulty('copy', 1, 'libweir copied')


@test
def a_stranger_with_a_grant_is_seen():
    faulty('grant', 1, 'org.weir.Stranger was not refused')


@test
def a_sandbox_with_holes_is_seen():
    faulty('wall', 1, 'has capabilities')
    faulty('wall', 1, 'does not hold: write_root')
    faulty('wall', 1, 'does not hold: host_passwords')


def succeeded(faults):
    return [way for way in ATTACKS if any(f'{way} succeeded' in fault for fault in faults)]


@test
def an_unsealed_lane_is_written_by_who_may_only_read_it_and_that_is_seen():
    faults = document('--break', 'seal', expect=7)['faults']
    assert succeeded(faults) == ['reopen through procfs', 'write', 'hole punch'], faults  # its size is sealed as ever
    assert any('not the same after the attack' in fault for fault in faults), faults


@test
def each_attack_goes_through_where_nothing_holds_it_back():
    faults = document('--break', 'open', expect=7)['faults']
    assert succeeded(faults) == ATTACKS and len(faults) == len(ATTACKS), faults


@test
def without_a_sandbox_it_says_what_is_not_shown():
    code, out, err = demo('--no-sandbox')
    assert code == 0, out + err
    assert 'WITHOUT a sandbox' in out and out.endswith('hash failures 0, lost 0\n'), out
    assert not document('--no-sandbox', expect=0)['sandboxed']


@test
def another_user_than_root_can_run_it():
    if os.getuid() != 0:
        raise Skip('only root can become another user')
    with tempfile.TemporaryDirectory(prefix='weir-user-') as folder:
        os.chmod(folder, 0o755)
        command = pathlib.Path(folder) / 'weir'
        shutil.copy(WEIR, command)
        make_clip()
        os.chmod(CLIP, 0o644)
        os.chmod(FOLDER.name, 0o755)
        home = tempfile.mkdtemp(prefix='t', dir=folder)
        os.chown(home, 65534, 65534)
        done = subprocess.run(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', str(command),
                               'demo', '--video', str(CLIP), '--size', '320x180', '--live', '0.4', '--memory', '0.1',
                               '--pictures', '30'], env={'PATH': '/usr/bin', 'TMPDIR': home}, cwd='/',
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.endswith('hash failures 0, lost 0\n'), done.stdout


@test
def what_is_missing_is_named_with_what_mends_it():
    with tempfile.TemporaryDirectory() as empty:
        code, out, err = demo(path=empty)
        assert code == 1 and 'Install the package bubblewrap' in err and not out, err
        os.symlink(shutil.which('bwrap'), f'{empty}/bwrap')
        code, out, err = demo(path=empty)
        assert code == 1 and 'Install the package ffmpeg' in err and not out, err
    code, out, err = demo(video='/nonexistent.ogv')
    assert code == 1 and '/nonexistent.ogv: No such file' in err and not out, err
    code, out, err = demo(video=__file__)
    assert code == 1 and 'no video' in err and not out, err


@test
def where_no_sandbox_can_be_made_it_says_so():
    jail = ['bwrap', '--unshare-user', '--disable-userns', '--dev-bind', '/', '/']
    code, out, err = demo(prefix=jail)
    assert code == 1 and 'the sandbox cannot be made here' in err and '--no-sandbox' in err and not out, err


@test
def ctrl_c_ends_it_at_any_moment_and_leaves_nothing_behind():
    for moment_ms in (0, 5, 10, 15, 20, 30, 60, 250):  # the sandbox is built in the first of these
        process, home = start('--live', '1')
        deadline = time.monotonic() + 60
        while not list(pathlib.Path(home).glob('*/org.weir.Camera/bus')) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(moment_ms / 1000)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, f'{moment_ms} ms: exit {process.returncode}\n{out}{err}'
        assert not os.listdir(home), os.listdir(home)


if __name__ == '__main__':
    main()
