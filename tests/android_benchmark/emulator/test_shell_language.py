"""The language of the emulated shell."""

import contextlib
import shlex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from android_benchmark.emulator import EmulatedPhone
from android_benchmark.emulator.shell.syntax import ShellSyntaxError, parse
from tests.android_benchmark.emulator.test_shell import run

# Command and output, and exit code and standard error if there are any: recorded with dash and
# `bash --posix`, which agree.
# fmt: off
CASES = [
    ('echo one  two\t\'three  four\' "five  six"', 'one two three  four five  six\n'),
    ('echo a\'b\'"c"d\\ e\\\'f', "abcd e'f\n"),
    ('printf "%s|" \'$HOME \\ "\' "\\$x \\\\ \\" \\a"', '$HOME \\ "|$x \\ " \\a|'),
    ('true && echo yes || echo no', 'yes\n'),
    ('false && echo yes || echo no', 'no\n'),
    ('false || false; echo $?', '1\n'),
    ('true; false; echo $? $?', '1 1\n'),
    ('! true; echo $?; ! false; echo $?', '1\n0\n'),
    ('x=1 y=\'2 3\'; echo $x $y "$y" ${x}4 $x$y \'$x\' $none.', '1 2 3 2 3 14 12 3 $x .\n'),
    ('x=\'a  b\'; for i in $x "$x"; do echo "<$i>"; done', '<a>\n<b>\n<a  b>\n'),
    ('x=; echo a $x "$x" b', 'a  b\n'),
    ('x=5 true; echo [$x]', '[]\n'),
    ('echo $(echo in $(echo inner) ")") out', 'in inner ) out\n'),
    ('echo "$(printf \'a\\n\\nb\\n\\n\')"', 'a\n\nb\n'),
    ('(x=1; exit 3); echo $? $x', '3\n'),
    ('{ x=1; echo in; }; echo $x', 'in\n1\n'),
    ('if false; then echo 1; elif true; then echo 2; else echo 3; fi', '2\n'),
    ('if false; then echo 1; fi; echo $?', '0\n'),
    ('echo a; # echo b\necho c#d', 'a\nc#d\n'),
    ('echo a \\\n b', 'a b\n'),
    ('echo a | cat | cat', 'a\n'),
    ("printf 'b\\na\\n' | grep -c a; echo hidden | true", '1\n'),
    ('echo out; echo err >&2', 'out\n', 0, 'err\n'),
    ('{ echo out; echo err >&2; } 2>&1 | cat', 'out\nerr\n'),
    ('echo err >&2 2>/dev/null', '', 0, 'err\n'),
    ('echo quiet >/dev/null 2>&1; echo loud', 'loud\n'),
    ('exit 7; echo never', '', 7, ''),
    ("echo 'nothing/*here' nothing/*here", 'nothing/*here nothing/*here\n'),
    ('false; echo done', 'done\n'),
    ('$(echo echo) words', 'words\n'),
    ('echo 2>&1 a2>/dev/null b', ''),
    ('for i in 1 2; do for j in a b; do echo $i$j; done; done', '1a\n1b\n2a\n2b\n'),
    ('echo "a\'b" \'c"d\'', 'a\'b c"d\n'),
    ("test a = a && [ a != b ] && [ 3 -gt 2 ] && [ -z '' ] && ! [ -n '' ]; echo $?", '0\n'),
    ('cat </dev/null; echo $?', '0\n'),
    ('echo *', 'one two\n'),
    ('x=/a/cpu12; echo ${x##*/cpu} ${x#*/} ${x##*/} ${x%/*} ${x%%/*} ${x%12}.',
     '12 a/cpu12 cpu12 /a /a/cpu.\n'),
    ('x=a.b.c; echo ${x#*.} ${x##*.} ${x%.*} ${x%%.*} ${x#z} "${x%"c"}"',
     'b.c c a.b a a.b.c a.b.\n'),
    ('x=\'a*b\'; echo "${x#\'a*\'}" "${x%\\**}"', 'b a\n'),
    (('x=; echo ${x:-empty} ${x-set} ${y-unset} ${y:-"a  b"} ${x:+no} ${z:=new} $z '
     '${#z}'), 'empty unset a  b new new 3\n'),
    ('for i in ${y:-a b "c  d"} "${y:-e f}"; do echo "<$i>"; done', '<a>\n<b>\n<c  d>\n<e f>\n'),
    ('echo ${y:-$(echo in)} ${y:-${z:-deep}}', 'in deep\n'),
    (('set -- \'a b\' c; echo $# "$1" $2; for i in "$@"; do echo "<$i>"; done; '
     'shift; echo $1 "$*"'), '2 a b c\n<a b>\n<c>\nc c\n'),
    ('set --; for i in "$@"; do echo no; done; echo $# "x$@y"', '0 xy\n'),
    ('set -- a b; for i in x"$@"y; do echo $i; done; for i; do echo $i; done', 'xa\nby\na\nb\n'),
    ('printf \'1\\n 2 \\n3\' | while read -r line; do echo "<$line>"; done', '<1>\n<2>\n'),
    ('printf \' a  b c \\n\' | { read -r x y; echo "<$x><$y>"; }', '<a><b c>\n'),
    ('printf \' a b\\n\' | { IFS= read -r x; echo "<$x>"; }', '< a b>\n'),
    ('printf \'a\\\\b\\n\' | { read -r x; printf \'<%s>\' "$x"; }', '<a\\b>'),
    ('printf \'a:b:c\\n\' | { IFS=: read -r x y; echo "$x $y"; }', 'a b:c\n'),
    ('while true; do echo once; break; done; echo $?', 'once\n0\n'),
    (('for i in 1 2 3; do for j in 1 2; do [ $j = 2 ] && continue 2; [ $i = 3 ] && '
     'break 2; echo $i$j; done; done'), '11\n21\n'),
    ('x=0; until [ $x = 00 ]; do x=0$x; echo $x; [ $x = 00 ] || break; done', '00\n'),
    ('while false; do :; done; echo $?', '0\n'),
    ('{ echo out; echo err >&2; } 2>/dev/null', 'out\n'),
    ('(echo a; echo b) > f; cat < f; rm f', 'a\nb\n'),
    ('for i in 1 2; do echo $i; done > g; cat g; rm g', '1\n2\n'),
    ('if true; then echo a; fi > h; cat h; rm h', 'a\n'),
    ('printf \'a\\nb\\n\' > k; while read -r l; do echo "[$l]"; done < k; rm k', '[a]\n[b]\n'),
    ('echo x | exit 3; echo $?', '3\n'),
    ('x=1; echo a | x=2; echo $x', '1\n'),
    ('sh -c \'echo "$0" "$1" "$@" $#\' name \'a b\' c', 'name a b a b c 2\n'),
    ("sh -c 'exit 4'; echo $?", '4\n'),
    ('sh -c \'exec echo "$@"; echo never\' n a \'b  c\'', 'a b  c\n'),
    (('x=1; export y=2; sh -c \'echo "<$x><$y><$z>"\'; z=3 sh -c \'echo '
     '"<$x><$y><$z>"\''), '<><2><>\n<><2><3>\n'),
    ('exec echo last; echo never', 'last\n'),
    ('(exec echo inner); echo outer', 'inner\nouter\n'),
    ('exec >m; echo hidden; exec >&2; cat m; rm m', '', 0, 'hidden\n'),
    (("printf '%s-%s|' a b c; printf 'no fields\\n' x; printf "
     "'%5d|%-4s|%03x|%%|%c\\n' 42 ab 255 xyz"), 'a-b|c-|no fields\n   42|ab  |0ff|%|x\n'),
    ("printf '%b' 'a\\tb'; printf '\\101\\n'", 'a\tbA\n'),
    ('printf abcdef > n; head -c 3 n; wc -c < n; tail -c 2 n; rm n', 'abc6\nef'),
    (('[ -r none ] || [ -e none ] || echo neither; [ -r one ] && [ -e one ] && echo '
     'both'), 'neither\nboth\n'),
    ('x=one; [ -f "$x" ] && mv -f one three && ls -1 && mv three one', 'three\ntwo\n'),
    ('echo "$(cat <one)"end', 'end\n'),
    ('kill -0 $$; echo $?; [ -d /proc/$$ ] && echo there', '0\nthere\n'),
    ("sh -c 'kill -9 $$'; echo $?", '137\n', 0, 'Killed \n'),
]
# fmt: on


@pytest.fixture(scope="module")
def any_phone():
    """A phone that the commands do not change."""
    with EmulatedPhone() as phone:
        for name in ("one", "two"):
            (phone.root / "sdcard" / name).touch()
        yield phone


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_understands_a_command_as_a_real_shell_does(any_phone, case):
    """Outputs and exit code are those of real shells."""
    command, out, code, err = (*case, 0, "")[:4] if len(case) == 2 else case
    assert run(any_phone, f"cd /sdcard\n{command}") == (code, out, err)


def test_echo_reads_escapes_as_the_shell_of_a_phone(any_phone):
    r"""`echo` makes a newline of `\n`, as mksh does and others do not; `-E` and printf do not."""
    assert run(any_phone, r"echo 'a\nb\tc\0101'")[1] == "a\nb\tcA\n"
    assert run(any_phone, r"echo -n 'a\cb'; echo -E 'c\n'")[1] == "ac\\n\n"
    assert run(any_phone, r"printf '%s' 'a\n'")[1] == "a\\n"


words = st.lists(
    st.text(st.one_of(st.sampled_from("\"'\\ $`;\n()*?#&|<>{}é~!=-%"), st.characters(
        codec="utf-8", exclude_characters="\0")), max_size=8),
    min_size=1, max_size=5,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(words)
def test_quoted_arguments_pass_through_untouched(any_phone, words):
    """What `shlex.quote` quotes arrives as it was, through a second shell and `exec` as well."""
    quoted = shlex.join(words)
    wanted = "".join(f"<{word}>" for word in words)
    show = "printf '<%s>'"
    assert run(any_phone, f"{show} {quoted}")[1] == wanted
    assert run(any_phone, f"sh -c 'exec taskset c {_inner(show)} \"$@\"' x {quoted}")[1] == wanted
    again = shlex.quote(f"{show} {quoted}")
    assert run(any_phone, f"sh -c {again}")[1] == wanted


def _inner(command):
    return command.replace("'", '"')


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(words)
def test_any_file_name_serves(any_phone, words):
    """Files with odd names can be written, listed, moved and removed."""
    name = words[0].replace("/", "_")[:60] or "x"
    if name in (".", "..") or name.startswith("-"):
        name = f"_{name}"
    path = shlex.quote(f"/data/local/tmp/{name}")
    line = f"echo in > {path} && [ -e {path} ] && cat < {path} && mv {path} {path}2 && rm {path}2"
    assert run(any_phone, line) == (0, "in\n", "")


@pytest.mark.parametrize(
    "command",
    ["echo 'open", 'echo "open', "a &&", "| a", "a ||| b", "(a", "a)", "for x", "if a; fi", "a &",
     "case a in a) b;; esac", "echo ${", "echo `a`", ">", "$(", "(" * 80, "while true",
     "while; do a; done",
     "echo ${x", "echo ${x^y}", "echo $((1 + 2))", "${a-" * 80],
)  # fmt: skip
def test_says_what_it_does_not_understand(any_phone, command):
    """A line that is not understood does nothing, and fails with the shell's name."""
    code, out, err = run(any_phone, command)
    assert (code, out) == (1, "")
    assert err.startswith("/system/bin/sh: ")


pieces = st.sampled_from(
    [*"ab \t\n'\"\\$(){}|&;<>!#=*?[]2é", "&&", "||", "$(", "for ", "in ", "do ", "done", "if ",
     "then ", "fi", "x=", "$?", "2>&1", "${", "##", "%",
     ":-", "read x", "exec ", "echo ", "cat ", "cd ", "/", "..", "/dev/null", "ls "]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(pieces, max_size=25).map("".join))
def test_any_line_ends_with_an_exit_code(any_phone, command):
    """No line makes the shell raise or wait without end."""
    assert 0 <= run(any_phone, command)[0] <= 255


@given(st.text(max_size=60))
def test_any_text_parses_or_is_a_syntax_error(text):
    """The parser raises nothing but `ShellSyntaxError`."""
    with contextlib.suppress(ShellSyntaxError):
        parse(text)
