"""Studies: many runs that differ in little, run once each, and what they show."""
