"""The manual pages say what the programs take, and nothing else."""

import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

BUILD = Path(os.environ['DRAIN_BUILD'])
TOP = Path(os.environ['DRAIN_TOP'])
PAGES = ('smbdrain.8', 'smbdrain-update.8', 'vfs_drain.8')
XHTML = '{http://www.w3.org/1999/xhtml}'
WORD = re.compile(r'--[\w-]*|\w+')


def manual(page):
    """Its source"""
    return ElementTree.parse(TOP / 'docs' / 'manpages' / f'{page}.xml')


def text_of(element):
    """Without markup"""
    return ' '.join(element.itertext())


def terms(page):
    """What OPTIONS lists"""
    section = manual(page).find(".//refsect1[@id='options']")
    return [text_of(term) for term in section.iter('term')]


def help_of(program):
    """What it says of itself"""
    return subprocess.run([BUILD / program, '--help'], check=True, text=True,
                          capture_output=True, timeout=60).stdout


def test_verbs():
    """Each with the same words as in the usage, in the same order"""
    usage = {line.split()[1]: WORD.findall(line)
             for line in help_of('smbdrain').splitlines()
             if re.match(r'  smbdrain [a-z]', line)}
    synopses = [WORD.findall(text_of(synopsis)) for synopsis
                in manual('smbdrain.8').iter('cmdsynopsis')
                if re.match(r'smbdrain [a-z]', text_of(synopsis).strip())]
    assert len(usage) > 5
    assert {words[1]: words for words in synopses} == usage


def test_options_of_the_tool():
    """With their values"""
    _, _, options = help_of('smbdrain').partition('15m, 2h.\n')
    said = set(re.findall(r'--[\w-]+(?:=\S+)?', options))
    listed = {term for term in terms('smbdrain.8') if term.startswith('--')}
    assert len(said) > 10
    assert listed == said


def test_options_of_the_updater():
    """With their values"""
    said = set(re.findall(r'(?:^  |, )(--[\w-]+(?:=[\w|]+)?)',
                          help_of('smbdrain-update'), re.MULTILINE))
    listed = {term for term in terms('smbdrain-update.8')
              if term.startswith('--')}
    assert len(said) > 10
    assert listed == said


def test_metrics():
    """docs/metrics.md has all of them"""
    source = (TOP / 'source/tool/verb/status_metrics.c').read_text()
    text = (TOP / 'docs' / 'metrics.md').read_text()
    listed = re.findall(r'^\| `smbdrain_(\w+)`', text, re.MULTILINE)
    known = re.findall(r'(?:print_(?:one|head|others)\(|\{)"(\w+)",', source)
    assert len(listed) > 10
    assert sorted(listed) == sorted(known)


def test_options_of_the_module():
    """Those of smb.conf"""
    source = (TOP / 'source' / 'core' / 'options.c').read_text()
    listed = [re.fullmatch(r'drain:(.*?) = .*', term)[1]
              for term in terms('vfs_drain.8')]
    assert sorted(listed) == sorted(re.findall(r'\.name = "(.*?)"', source))


@pytest.mark.parametrize('page', PAGES)
def test_page(page):
    """It is built, and groff has nothing to say against it"""
    done = subprocess.run(['groff', '-ww', '-man', '-Tutf8', '-P-bcou',
                           BUILD / page], check=True, capture_output=True,
                          timeout=60)
    assert done.stderr == b''
    assert b'EXAMPLES' in done.stdout and b'FIXME' not in done.stdout


@pytest.mark.parametrize('page', PAGES)
def test_html(page):
    """It has all that the source says, and its links lead somewhere"""
    html = ElementTree.parse(BUILD / f'{page}.html').getroot()
    words = WORD.findall(text_of(html))
    for element in manual(page).iter():
        if element.tag in ('para', 'term', 'programlisting', 'title'):
            for word in WORD.findall(element.text or ''):
                assert word in words, word
    links = [a.get('href') for a in html.iter(f'{XHTML}a') if a.get('href')]
    assert len(links) > 1
    for link in links:
        assert link.removesuffix('.html') in PAGES, link
