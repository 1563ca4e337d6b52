"""How long the stages of a night take; nothing here is a test."""
