"""Commands that get ready what others use: engines, and the options of `bench` that choose one."""
