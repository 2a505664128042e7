"""Commands that show what is known of files and results."""
