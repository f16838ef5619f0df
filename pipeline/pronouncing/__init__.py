"""From written words to the ways in which they may be said."""
