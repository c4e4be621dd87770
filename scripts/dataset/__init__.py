"""Labelled images: where they come from, which are one and the same, how they are split, what is wrong with them."""
