"""Why an answer is what it is: everything between the bytes of a source and a hit."""
