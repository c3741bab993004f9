"""The demo on Windows holds with a small raw video, and its checks see the failures that they are there for. TAP."""
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ['WEIR_SOURCE_ROOT'], 'tests'))
from tap import main, test  # noqa: E402
from wine.command import PATIENCE_S, weir, windows_path  # noqa: E402

PICTURES, WIDTH, HEIGHT = 24, 320, 180
PICTURE_BYTES = WIDTH * HEIGHT * 3 // 2
ATTACKS = ['VirtualProtect', 'second map', 'duplicate the handle', 'open by name', 'change its list', 'set its event']
FOLDER = tempfile.TemporaryDirectory(prefix='weir-demo-test-')
CLIP = Path(FOLDER.name) / 'Bilder größer als nichts.yuv'
CLIP.write_bytes(b''.join(random.Random(i).randbytes(PICTURE_BYTES) for i in range(PICTURES)))


def policies():
    return set(Path(os.environ['WINEPREFIX']).glob('drive_c/users/*/Temp/weir-demo-*'))


def demo(*arguments, video=CLIP):
    """(exit code, stdout, stderr)"""
    before = policies()
    found = weir('demo', '--video', windows_path(video), '--size', f'{WIDTH}x{HEIGHT}', '--live', '0.3', '--memory',
                 '0.1', '--pictures', '16', *arguments)
    deadline = time.monotonic() + PATIENCE_S
    while left := policies() - before:  # another demo in this Wine has one, too, for as long as it runs
        assert time.monotonic() < deadline, f'left behind: {left}'
        time.sleep(0.5)
    return found


def faults(what, expect):
    """The demo breaks `what`, and sees it."""
    code, out, err = demo('--json', '--break', what)
    assert code == expect, f'exit {code}, not {expect}\n{out}{err}'
    return json.loads(out)['faults']


def succeeded(found):
    return [way for way in ATTACKS if any(f'{way} succeeded' in fault for fault in found)]


@test
def all_of_it_holds():
    code, out, err = demo()
    assert code == 0, out + err
    assert out.endswith('hash failures 0, lost 0\n') and '\r' not in out + err, out + err
    for words in ('all of it held', 'WITHOUT a sandbox', 'AppContainer', 'the file itself, without weir: the same',
                  'denied: ', 'bytes are unchanged', 'as fast', *ATTACKS):
        assert words in out, f'{words} is missing in\n{out}'


@test
def its_figures_are_those_of_the_file():
    code, out, err = demo('--json')
    assert code == 0, out + err
    found = json.loads(out)
    passes = {entry['pass']: entry for entry in found['passes']}
    assert found['held'] and not found['sandboxed'] and found['faults'] == []
    assert found['coded_frames'] == found['outside_frames'] == passes['fast']['frames'] == PICTURES
    assert passes['fast']['sha256'] == found['outside_sha256'] and len(found['outside_sha256']) == 64
    assert passes['fast']['filled_bytes'] == passes['fast']['bytes'] == PICTURES * PICTURE_BYTES
    for name in ('live', 'fast', 'memory'):
        entry = passes[name]
        assert entry['frames'] > 0 and entry['latency_p50_ns'] > 0, entry
        assert entry['lost'] == entry['skipped'] == entry['hash_failures'] == entry['copied_bytes'] == 0, entry
    assert 8 <= passes['live']['frames'] <= 10, passes['live']  # 0.3 s at 30 a second
    assert passes['memory']['pictures'] == 16 and passes['pipe']['frames'] >= 16
    assert [attack['way'] for attack in found['attacks']] == ATTACKS
    assert all(attack['error'] in ('error 5', 'error 87') for attack in found['attacks']), found['attacks']
    assert found['refusal'].startswith("denied: 'camera/front'") and 'subscribe' in found['refusal'], found['refusal']


@test
def a_flipped_pixel_is_seen():
    found = faults('pixel', 7)
    assert any(fault.startswith('live: the pixels of 1 frames') for fault in found), found
    assert any('SHA-256' in fault for fault in found), found


@test
def a_bit_that_flips_after_the_frame_was_published_is_seen_by_libweir():
    found = faults('hash', 7)
    assert any('live: 1 frames failed their hash' in fault for fault in found), found


@test
def a_picture_left_out_is_seen():
    found = faults('drop', 7)
    assert any(f'has {PICTURES} coded frames; {PICTURES - 1} came through the bus' in fault for fault in found), found


@test
def a_stranger_with_a_grant_is_seen():
    found = faults('grant', 1)
    assert found == ['org.weir.Stranger was not refused'], found


@test
def a_lane_whose_list_admits_everybody_is_written_and_that_is_seen():
    found = faults('seal', 7)
    assert succeeded(found) == ['duplicate the handle', 'open by name'], found  # a view and a handle are not a list
    assert any('not the same after the attack' in fault for fault in found), found


@test
def each_attack_goes_through_where_nothing_holds_it_back():
    found = faults('open', 7)
    assert succeeded(found) == ATTACKS and len(found) == len(ATTACKS), found


@test
def a_file_that_is_no_raw_video_is_told_with_the_line_that_makes_one():
    code, out, err = demo(video=__file__)
    assert code == 1 and not out and 'not a whole number of pictures' in err and '-f rawvideo' in err, err
    code, out, err = demo(video='/nonexistent.yuv')
    assert code == 1 and not out and 'nonexistent.yuv: ' in err, err


main()
