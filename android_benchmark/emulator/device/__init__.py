"""The device behind the protocol: files, chip, processes and the profile it is made from."""
