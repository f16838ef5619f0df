"""What changed between two generations, or two knowledge bases, how that shows in the answers, and what caused it."""
