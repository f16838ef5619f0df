"""What of a question counts: the part that asks more than what was said before it."""
