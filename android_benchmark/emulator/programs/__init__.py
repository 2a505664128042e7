"""Programs of the emulated phone: scripted engines and real arm64 programs under QEMU."""
