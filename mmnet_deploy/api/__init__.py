"""What Python programs call, and the command line too: the stages put together, with the options'
names as parameters. The modules load nothing that is heavy before a function is called."""
