"""What a laptop needs instead of the real thing: simulator, mail catcher, runner."""
