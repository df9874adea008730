"""How often is a patch carried as its maintainers carried it? forkkeeper beside git, quilt and wiggle, on real syncs.

`questions` reads the truth file · `answers` says what a tool can answer, and judges it · `table` shows the verdicts:
these three run no program. `workplace` is git's objects and the folders that tools work in · `tools` asks each tool.
"""
