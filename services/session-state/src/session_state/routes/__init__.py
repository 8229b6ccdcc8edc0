"""HTTP doors, one file a group of callers; none of them decides anything."""
