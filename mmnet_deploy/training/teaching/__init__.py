"""Learning from another network: the teacher, pictures without masks, and its mattes of them."""
