"""Which upstream commits matter to a fork, and why.

`passed` is an upstream commit with what it changed, `classing` says what kind of change it is, `effects` what it would
do to each patch, `ranking` weighs value against cost, and `listing` shows it.
"""
