"""Pages, and in generate/ what writes the tables in them."""
