"""The shell of the emulated phone: syntax, expansion and execution."""
