"""The ladder of resolvers: what becomes of a place that git's three-way merge leaves open.

Each rung is a module with one rule: its name is shown to people, its docstring says when it holds. `climb` says in
which order they are asked; `moved` and `elsewhere` go on where the code itself has gone (`core/settling.py` asks them).
Nothing that a rung decides is silent: the row is for review, with the evidence. docs/ladder.md shows each rule with an
example. A new rung is a module here, a place in `climb`, tests in tests/core/ladder/, and a section there.

Rules know kinds of change. None knows a project, a file's name or an identifier.
"""
