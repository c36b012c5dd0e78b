"""Labels that a network which did not train on them would not have drawn."""
