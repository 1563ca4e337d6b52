"""What sets upon the project as bad luck, other people's logs, attackers and slips would do.

Nights that are killed, hostile logs, attacks and guesses at what is hidden, mistakes in the code.
"""
