"""Octavo: knowledge-base retrieval at every scale."""
