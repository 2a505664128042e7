"""The adb protocol: packets, streams, authentication and services; and a private adb server."""
