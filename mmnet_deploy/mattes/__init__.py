"""Alpha mattes: what computes them, how wrong they are, and how they are saved."""
