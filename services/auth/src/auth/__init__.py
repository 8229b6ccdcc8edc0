"""Who an agent is and what they may do."""
