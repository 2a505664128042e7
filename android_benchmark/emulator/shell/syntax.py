"""The grammar of the emulated shell: a part of what mksh understands, parsed into a tree.

Understood: quoting, variables, `$(…)`, assignments, redirections, pipes, `&&`, `||`, `;`, `!`,
groups and `if`. Loops, `case`, functions, `${NAME…}` with an operator, arithmetic, arrays,
here-documents and background jobs are not: they are errors.
"""

from __future__ import annotations

import re

from android_benchmark.emulator.shell.tree import (
    Command,
    Group,
    If,
    Pipeline,
    Redirected,
    Redirection,
    Script,
    Simple,
    Word,
)
from android_benchmark.emulator.shell.words import END_OF_WORD, ShellSyntaxError, WordParser

__all__ = ["ShellSyntaxError", "parse"]

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_REDIRECTION = re.compile(r"(\d?)(>>|>&|<&|>|<)")
_UNKNOWN_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\+|\[.*\]\+?)=")
_UNKNOWN = ("!", "case", "for", "function", "select", "until", "while", "[[", "((")
_OUT_OF_PLACE = ("do", "done", "elif", "else", "esac", "fi", "then", "}")
_UNKNOWN_BUILTINS = (
    *(".", "alias", "bg", "break", "builtin", "continue", "eval", "fc", "fg", "getopts", "global"),
    *("jobs", "let", "local", "print", "read", "readonly", "return", "set", "shift", "source"),
    *("times", "trap", "typeset", "ulimit", "umask", "unalias", "wait", "whence"),
)


def parse(text: str) -> Script:
    """The tree of a command line.

    Raises:
        ShellSyntaxError: The line is not understood.
    """
    parser = _Parser(text)
    script = parser.script(())
    if not parser.at_end():
        raise parser.unexpected()
    return script


class _Parser(WordParser):
    def at_end(self) -> bool:
        self.blanks(newlines=True)
        return self.at >= len(self.text)

    def unexpected(self) -> ShellSyntaxError:
        rest = self.text[self.at :].split(None, 1)
        return ShellSyntaxError(f"syntax error: unexpected '{rest[0] if rest else 'newline'}'")

    def script(self, ends: tuple[str, ...]) -> Script:
        """Pipelines until one of the words `ends` stands in a command's place."""
        self.deeper()
        found: list[tuple[str, Pipeline]] = []
        joint = ";"
        while not self.at_end() and not self.peek(")") and not self._keyword(*ends):
            found.append((joint, self._pipeline()))
            self.blanks()
            if self.take("&&"):
                joint = "&&"
            elif self.take("||"):
                joint = "||"
            elif self.peek("&"):
                raise ShellSyntaxError("the emulated shell has no background jobs")
            elif self.take(";") or self.take("\n"):
                joint = ";"
            else:
                joint = ""
                break
        if joint in ("&&", "||"):
            raise self.unexpected()
        self.depth -= 1
        return tuple(found)

    def _pipeline(self) -> Pipeline:
        negated = False
        while self._take_keyword("!"):
            negated = not negated
            self.blanks()
        commands = [self._command()]
        self.blanks()
        while not self.peek("||") and self.take("|"):
            self.blanks(newlines=True)
            commands.append(self._command())
            self.blanks()
        return Pipeline(tuple(commands), negated)

    def _command(self) -> Command:
        self.blanks()
        for word in _UNKNOWN:
            if self._keyword(word) or (word == "((" and self.peek(word)):
                raise _unknown(word)
        if self._keyword(*_OUT_OF_PLACE):
            raise self.unexpected()
        compound = self._compound()
        if compound is None:
            return self._simple()
        redirections = []
        while redirection := self._redirection():
            redirections.append(redirection)
        return Redirected(compound, tuple(redirections)) if redirections else compound

    def _compound(self) -> Command | None:
        """A group or condition, if one starts here."""
        if self.take("("):
            return Group(self._closed(self.script(()), ")"), subshell=True)
        if self._take_keyword("{"):
            return Group(self._closed(self.script(("}",)), "}"), subshell=False)
        if self._take_keyword("if"):
            return self._if()
        return None

    def _closed(self, script: Script, end: str) -> Script:
        self.blanks(newlines=True)
        if not script or not self.take(end):
            raise self.unexpected()
        return script

    def _if(self) -> If:
        condition = self._closed(self.script(("then",)), "then")
        body = self.script(("elif", "else", "fi"))
        otherwise: Script = ()
        if self._take_keyword("elif"):
            return If(condition, body, ((";", Pipeline((self._if(),), False)),))
        if self._take_keyword("else"):
            otherwise = self.script(("fi",))
        return If(condition, self._closed(body, "fi"), otherwise)

    def _simple(self) -> Simple:
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirections: list[Redirection] = []
        while True:
            self.blanks()
            assignment = None if words else _ASSIGNMENT.match(self.text, self.at)
            if redirection := self._redirection():
                redirections.append(redirection)
            elif assignment:
                self.at = assignment.end()
                # Right behind the `=`: after a blank, the value is empty.
                blank = self.text[self.at : self.at + 1] in " \t"
                assignments.append((assignment[1], () if blank else self.word()))
            elif word := self.word():
                words.append(word)
            else:
                break
        if not (assignments or words or redirections):
            raise self.unexpected()
        name = "".join(part.text for part in words[0] if not part.quoted) if words else ""
        if name in _UNKNOWN_BUILTINS or _UNKNOWN_ASSIGNMENT.match(name):
            raise _unknown(name)
        if any(name == "IFS" for name, _ in assignments):
            raise _unknown("IFS=")
        return Simple(tuple(assignments), tuple(words), tuple(redirections))

    def _redirection(self) -> Redirection | None:
        self.blanks()
        found = _REDIRECTION.match(self.text, self.at)
        if not found:
            return None
        self.at = found.end()
        number = int(found[1] or (0 if found[2][0] == "<" else 1))
        target = self.word()
        if not target:
            raise self.unexpected()
        return Redirection(number, found[2], target)

    def _take_keyword(self, word: str) -> bool:
        return self._keyword(word) and self.take(word)

    def _keyword(self, *words: str) -> bool:
        """Whether one of `words` stands here as a whole word."""
        return any(
            self.peek(word)
            and (self.text[self.at + len(word) : self.at + len(word) + 1] or " ") in END_OF_WORD
            for word in words
        )


def _unknown(word: str) -> ShellSyntaxError:
    return ShellSyntaxError(f"syntax error: the emulated shell does not know `{word}`")
