"""Retrieval over sound: words that were said, questions that are spoken, manners of speaking."""
