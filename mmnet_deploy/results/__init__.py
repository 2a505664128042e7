"""What was measured: records, their JSON, folders of them, and what they say together."""
