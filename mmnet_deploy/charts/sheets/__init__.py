"""Pages of pictures: the worst mattes of an evaluation, and pictures with what was made of them."""
