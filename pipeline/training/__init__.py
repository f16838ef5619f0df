"""Recipes that made the weights Octavo ships. Nothing outside this folder imports them."""
