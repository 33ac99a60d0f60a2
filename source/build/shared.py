"""What the wscripts of the folders share"""

import os

VERSION = '0.1'

SANITIZE = '''-fsanitize=address,undefined -fno-sanitize-recover=undefined
	-fno-omit-frame-pointer'''.split()

# For clang's libFuzzer, which records each branch that is taken
FUZZ = '''-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined
	-fno-sanitize-recover=undefined'''.split()


def made(ctx):
    """The directory of what is made from the installed Samba and its source"""
    return ctx.bldnode.make_node('samba').abspath()


def include(bld):
    """Headers of ours: those in the tree and those that pidl makes"""
    return [bld.srcnode.find_node('include'),
            bld.bldnode.make_node('samba/own')]


def tool_include(bld):
    """The same for files of the tool, which name the folder of a header"""
    return [*include(bld), bld.srcnode.find_node('source/tool')]


def at_top(target):
    """Arguments for what is linked into build/, whichever folder it is from"""
    return {'target': '#./' + target, 'name': target}


def file_at_top(bld, name):
    """The same for what is not linked"""
    return {'target': bld.bldnode.make_node(name), 'name': name}


def subst(bld, file, **options):
    """Make a file from its .in, with values in place of @NAME@"""
    bld(features='subst', source=file,
        **file_at_top(bld, file.name.removesuffix('.in')), **options)


def fuzz_env(bld):
    """Of clang, which has the libraries"""
    env = bld.env.derive()
    env.CC = env.LINK_CC = ['clang']
    warnings = [flag for flag in env.CFLAGS if flag.startswith('-W')]
    env.CFLAGS = [*FUZZ, '-fsanitize=fuzzer-no-link', *warnings]
    env.LINKFLAGS = FUZZ
    return env


def installed(bld, directory, files, **options):
    """Install what is in build/"""
    bld.install_files(directory, [bld.bldnode.make_node(file)
                                  for file in files], **options)
