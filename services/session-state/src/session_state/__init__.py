"""What is true about every session: states, rules, shifts, load."""
