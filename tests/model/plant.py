#!/usr/bin/python3
"""Plant a bug: copy a source with the edits of one twin of twins.txt.

    plant.py TWINS ID SOURCE OUTPUT

The copy names the twin and what must be found (explore.c reads it). Each text that is to be replaced must stand in the
source exactly once, however it is spaced: otherwise the source has changed, the twin proves nothing any more, and the
copy says so, so that its test fails and the build does not.
"""
import json
import re
import sys


def read_twins(path):
    """Sections of `twin ID`, `name ...`, `finds ...`, then edits: lines between <<<<, ==== and >>>>."""
    twins, twin, part = {}, None, None
    for line in open(path, encoding='utf-8').read().split('\n'):
        if part is None and line.startswith('twin '):
            twin = twins[line.split()[1]] = {'name': '', 'finds': '', 'edits': []}
        elif part is None and line.startswith(('name ', 'finds ')):
            key, value = line.split(' ', 1)
            twin[key] = value
        elif line == '<<<<':
            twin['edits'].append([[], []])
            part = 0
        elif line == '====':
            part = 1
        elif line == '>>>>':
            part = None
        elif part is not None:
            twin['edits'][-1][part].append(line)
    return twins


def plant(twin, text, source):
    """The changed text, and why it could not be changed ('' if it could)."""
    for before, after in twin['edits']:
        before, after = '\n'.join(before), '\n'.join(after)
        places = list(re.finditer(r'\s+'.join(re.escape(word) for word in before.split()), text))
        if len(places) != 1:
            return text, f'the text to replace stands {len(places)} times in {source}: {before.strip().splitlines()[0]}'
        text = text[:places[0].start()] + after + text[places[0].end():]
    return text, '' if twin['edits'] else 'it has no edits'


def main():
    twins, name, source, output = sys.argv[1:]
    twin = read_twins(twins)[name]
    text, broken = plant(twin, open(source, encoding='utf-8').read(), source)
    with open(output, 'w', encoding='utf-8') as out:
        out.write(text)
        for variable, value in (('name', twin['name']), ('finds', twin['finds']), ('broken', broken)):
            out.write(f'extern const char explore_twin_{variable}[];\n')
            out.write(f'const char explore_twin_{variable}[] = {json.dumps(value, ensure_ascii=False)};\n')


if __name__ == '__main__':
    main()
