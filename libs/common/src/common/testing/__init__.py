"""What tests of every service share: a real Redis, a settable clock, real servers, waiting."""
