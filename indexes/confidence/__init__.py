"""How sure an answer is, and what a person needs who has to take over."""
