#!/usr/bin/python3
"""clang-tidy as ./dev check runs it: finds what it is there for, looks again at what changed, and at nothing else."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import tap
from tap import test

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOOD = '#include "a.h"\nint\none(void)\n{\n        return A;\n}\n'
FAULTY = '#include <string.h>\nint\none(const char *a)\n{\n        return strcmp(a, "a") == 1;\n}\n'


class Tree:
    """A source, its header, and a build folder with the object of both."""

    def __init__(self, code=GOOD, name='bus/one.c'):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.source, self.object = self.path / name, self.path / 'build/one.o'
        self.source.parent.mkdir(parents=True)
        self.object.parent.mkdir()
        shutil.copy(ROOT / '.clang-tidy', self.path)
        self.source.write_text(code, encoding='utf-8')
        (self.source.parent / 'a.h').write_text('#define A 1\n', encoding='utf-8')
        (self.path / 'build/compile_commands.json').write_text(json.dumps([
            {'directory': str(self.path / 'build'), 'command': f'clang-14 -c ../{name} -o one.o', 'file': f'../{name}',
             'output': 'one.o'}]), encoding='utf-8')
        self.object.touch()

    def lint(self):
        """(exit status, what it said)"""
        done = subprocess.run(['/usr/bin/python3', ROOT / '.dev/lint.py', 'build'], cwd=self.path, capture_output=True,
                              text=True, check=False)
        return done.returncode, done.stdout + done.stderr


@test
def a_fault_is_named_each_time_until_it_is_mended():
    tree = Tree(FAULTY)
    for _ in range(2):
        status, said = tree.lint()
        assert status == 1 and 'bugprone-suspicious-string-compare' in said and 'bus/one.c' in said, said
    tree.source.write_text(GOOD, encoding='utf-8')
    assert tree.lint() == (0, '1 of 1 sources looked at, 0 with findings\n')


@test
def what_it_was_content_with_is_looked_at_again_only_when_it_was_compiled_anew():
    tree = Tree()
    assert tree.lint() == (0, '1 of 1 sources looked at, 0 with findings\n')
    assert tree.lint() == (0, '0 of 1 sources looked at, 0 with findings\n')
    now = os.stat(tree.path / 'build/lint/bus-one.c').st_mtime + 1
    os.utime(tree.object, (now, now))
    assert tree.lint()[1].startswith('1 of 1')


@test
def other_rules_are_applied_to_everything():
    tree = Tree()
    tree.lint()
    now = os.stat(tree.path / 'build/lint/bus-one.c').st_mtime + 1
    os.utime(tree.path / '.clang-tidy', (now, now))
    assert tree.lint()[1].startswith('1 of 1')


@test
def tests_are_left_out():
    assert Tree(FAULTY, 'tests/unit/one.c').lint() == (0, '0 of 0 sources looked at, 0 with findings\n')


if __name__ == '__main__':
    tap.main()
