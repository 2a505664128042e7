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
    ('x=\'a  b\'; printf "<%s>" $x "$x"', '<a><b><a  b>'),
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
    ('echo "a\'b" \'c"d\'', 'a\'b c"d\n'),
    ("test a = a && [ a != b ] && [ 3 -gt 2 ] && [ -z '' ] && ! [ -n '' ]; echo $?", '0\n'),
    ('cat </dev/null; echo $?', '0\n'),
    ('echo *', 'one two\n'),
    ('{ echo out; echo err >&2; } 2>/dev/null', 'out\n'),
    ('(echo a; echo b) > f; cat < f; rm f', 'a\nb\n'),
    ('if true; then echo a; fi > h; cat h; rm h', 'a\n'),
    ('echo x | exit 3; echo $?', '3\n'),
    ('x=1; echo a | x=2; echo $x', '1\n'),
    ('sh -c \'echo "$0" "$1" "$@" $#\' name \'a b\' c', 'name a b a b c 2\n'),
    ('sh -c \'echo $#; printf "<%s>" "$@"\' n \'a b\' c', '2\n<a b><c>'),
    ('sh -c \'echo $# "x$@y"; printf "<%s>" "$@"\' n', '0 xy\n<>'),
    ('sh -c \'printf "<%s>" x"$@"y $*\' n a b', '<xa><by><a><b>'),
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
    ('x=$(exit 3); echo $?', '3\n'),
    ('x=$(false) y=$(true); echo $?; x=$(exit 3) y=1; echo $?', '0\n3\n'),
    ('x=$(exit 3) >/dev/null; echo $?; $(exit 4); echo $?', '3\n4\n'),
    ('false; x=1; echo $?; false; x=$(echo $?) y=$?; echo $x $y $?', '0\n1 1 0\n'),
    ('export x=$(exit 3); echo $?; x=$(exit 3) true; echo $? $(exit 5) $?', '0\n0 0\n'),
    ('true && x=$(false) || echo no; if x=$(exit 2); then echo yes; else echo $?; fi', 'no\n2\n'),
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
    assert run(any_phone, r"echo -n 'a\cb'; echo -E 'c\n'")[1] == "abc\\n\n"
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
    ["echo 'open", 'echo "open', "a &&", "| a", "a ||| b", "(a", "a)", "if a; fi", "a &", ">",
     "$(", "(" * 80, "fi", "echo a; done", "echo ${", "echo ${x", "echo `a`", "a; ; b"],
)  # fmt: skip
def test_says_where_a_line_is_wrong(any_phone, command):
    """A line that is not understood does nothing, and fails with the shell's name."""
    code, out, err = run(any_phone, command)
    assert (code, out) == (1, "")
    assert err.startswith("/system/bin/sh: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    ["for x in a b; do echo $x; done", "while true; do break; done", "until false; do :; done",
     "case a in a) b;; esac", "function f { a; }", "f() { a; }", "select x in a; do b; done",
     "echo in | read x", "IFS= read -r x", "set -- a b", "set -e", "shift", "break", "continue",
     "trap 'a' EXIT", "eval echo a", ". /sdcard/one", "local x=1", "[[ a = a ]]", "((1))",
     "echo ${x#a}", "echo ${x%%b*}", "echo ${x:-y}", "echo ${#x}", "echo ${x^y}",
     "echo $((1 + 2))", "x=(a b)", "x+=1", "x[0]=1", "cat <<end", "a & b", "a | ! b", "echo $-",
     "echo $'a'", "IFS=: true", "echo ${a-" + "${a-" * 80],
)  # fmt: skip
def test_refuses_what_the_emulated_shell_does_not_have(any_phone, command):
    """What mksh understands and the emulated shell does not is an error, and nothing is run."""
    code, out, err = run(any_phone, f"echo before; {command}")
    assert (code, out) == (1, "")
    assert err.startswith("/system/bin/sh: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["echo {a,b}", "x='{a,b}'; echo $x", "command echo a"])
def test_refuses_when_it_gets_there(any_phone, command):
    """What only shows once words are expanded is an error then, and the line ends there."""
    code, out, err = run(any_phone, f"echo before; {command}")
    assert (code, out) == (1, "before\n")
    assert "the emulated shell" in err


pieces = st.sampled_from(
    [*"ab \t\n'\"\\$(){}|&;<>!#=*?[]2é", "&&", "||", "$(", "for ", "do ", "done", "if ",
     "then ", "fi", "x=", "$?", "2>&1", "${", "##",
     "exec ", "echo ", "cat ", "cd ", "/", "..", "/dev/null", "ls "]
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
