"""Taking over a fork that has no patches: which upstream version each of its files is closest to, and a first queue.

`timeline` says when which version of a file stood at which path of upstream's, `sketch` looks through all versions for
the lines of the fork's files, `nearest` holds the measure and decides, `ages` shows how old each part is, `pieces` cuts
the fork's edits into patches, `words` says what is known of each patch, `paths` writes the path policy.
"""
