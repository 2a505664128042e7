"""What a device computes: compared with what this computer computes, and searched for a fault."""
