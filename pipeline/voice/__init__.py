"""What of a voice moves while it speaks, and what that says about the manner of speaking."""
