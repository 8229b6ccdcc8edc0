"""The mail catcher: an SMTP server that delivers nothing, and a page to read what was sent."""
