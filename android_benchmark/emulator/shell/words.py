"""The words of the emulated shell: quoting, variables and substitutions, parsed into parts."""

from __future__ import annotations

import abc
import re

from android_benchmark.emulator.shell.tree import Part, Script, Word

END_OF_WORD = " \t\n;&|<>()"
_PLAIN = {
    True: re.compile(r"""[^\\`$"]+"""),
    False: re.compile(rf"""[^\\`$'"{re.escape(END_OF_WORD)}]+"""),
}
"""Characters that stand for themselves, within double quotes and elsewhere."""
_HOME = re.compile(rf"~(?=[/{END_OF_WORD}]|\Z)")
MOST_NESTED = 50
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[?$#0-9@*!]")
_BRACED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?$#@*!]")


class ShellSyntaxError(Exception):
    """The text is not a command that the emulated shell understands."""


class WordParser(abc.ABC):
    """Reads words from a text; the grammar of commands builds on it."""

    def __init__(self, text: str, at: int = 0, depth: int = 0) -> None:
        self.text = text
        self.at = at
        self.depth = depth

    @abc.abstractmethod
    def script(self, ends: tuple[str, ...]) -> Script:
        """The commands in `$(…)`."""

    def blanks(self, *, newlines: bool = False) -> None:
        """Pass over blanks and comments."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t" or (newlines and char == "\n"):
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif char == "#" and (self.at == 0 or self.text[self.at - 1] in " \t\n;"):
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                break

    def peek(self, text: str) -> bool:
        """Whether `text` comes next."""
        return self.text.startswith(text, self.at)

    def take(self, text: str) -> bool:
        """Pass over `text` if it comes next."""
        if not self.peek(text):
            return False
        self.at += len(text)
        return True

    def deeper(self) -> None:
        """Count one more level.

        Raises:
            ShellSyntaxError: There are too many.
        """
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise ShellSyntaxError("syntax error: nested too deeply")

    def word(self) -> Word:
        """The next word; no parts if there is none."""
        self.blanks()
        parts: list[Part] = []
        if _HOME.match(self.text, self.at):
            self.at += 1
            parts.append(Part("variable", "HOME", True))
        while self.at < len(self.text) and self.text[self.at] not in END_OF_WORD:
            char = self.text[self.at]
            if char == "'":
                end = self.text.find("'", self.at + 1)
                if end < 0:
                    raise ShellSyntaxError("no closing quote")
                parts.append(Part("text", self.text[self.at + 1 : end], True))
                self.at = end + 1
            elif char == '"':
                self.at += 1
                parts.append(Part("text", "", True))
                while not self.peek('"'):
                    if self.at >= len(self.text):
                        raise ShellSyntaxError("no closing quote")
                    parts.append(self._piece(quoted=True))
                self.at += 1
            else:
                parts.append(self._piece(quoted=False))
        return tuple(parts)

    def _piece(self, *, quoted: bool) -> Part:
        """Plain characters, or an escape, variable or substitution."""
        if plain := _PLAIN[quoted].match(self.text, self.at):
            self.at = plain.end()
            return Part("text", plain[0], quoted)
        char = self.text[self.at]
        following = self.text[self.at + 1 : self.at + 2]
        self.at += 1
        if char == "\\" and following and (not quoted or following in '$`"\\\n'):
            self.at += 1
            return Part("text", "" if following == "\n" else following, True)
        if char == "`":
            raise ShellSyntaxError("the emulated shell does not know `…`: write $(…)")
        if char != "$":
            return Part("text", char, quoted)
        if self.peek("(("):
            raise ShellSyntaxError("the emulated shell has no arithmetic")
        if following == "-" or (following in ("'", '"') and not quoted):
            raise ShellSyntaxError(f"the emulated shell does not know ${following}")
        if following == "(":
            return self._substitution(quoted=quoted)
        if self.take("{"):
            return self._braced(quoted=quoted)
        name = _VARIABLE.match(self.text, self.at)
        if not name:
            return Part("text", "$", quoted)
        self.at = name.end()
        return Part("variable", name[0], quoted)

    def _substitution(self, *, quoted: bool) -> Part:
        start = self.at + 1
        inner = type(self)(self.text, start, self.depth)
        inner.script(())
        if not inner.take(")"):
            raise ShellSyntaxError("no closing ')'")
        self.at = inner.at
        return Part("command", self.text[start : self.at - 1], quoted)

    def _braced(self, *, quoted: bool) -> Part:
        """`${NAME}`, from behind the brace on."""
        name = _BRACED.match(self.text, self.at)
        if not name or self.text[name.end() : name.end() + 1] != "}":
            raise ShellSyntaxError("bad substitution: the emulated shell has only ${NAME}")
        self.at = name.end() + 1
        return Part("variable", name[0], quoted)
