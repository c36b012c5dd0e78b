"""What each of tools/ does, under its name. These import anything; nothing imports them."""
