"""A phone over adb: connection, state, workspace, and the rules that its results are held to."""
