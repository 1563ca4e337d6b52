"""Nights that are killed at random points: does the next one put everything right?"""
