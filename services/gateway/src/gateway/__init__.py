"""The edge: origin, limits, tokens, routing, and the event streams of every client."""
