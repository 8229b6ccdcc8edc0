"""Who is calling and what they may do: tokens, revocation, the one policy table."""
