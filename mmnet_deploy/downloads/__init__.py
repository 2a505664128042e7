"""What is downloaded once and kept: the cache folder, wheels by pip, published networks by name."""
