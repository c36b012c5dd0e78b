"""One HTML page that shows what runs did, without a network."""
