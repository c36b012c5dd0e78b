"""What writes the tables of README and docs from results/."""
