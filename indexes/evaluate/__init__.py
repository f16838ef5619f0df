"""How well each scale, alone and fused, finds what questions ask for; on a team's own knowledge base and questions."""
