"""Queues from and for elsewhere.

`plain` turns any unified diff into git's form, `heads` any patch's words into a mail's head, `forms` knows the folders
of other tools, `adopting` makes patches of the queue of what stands there.
"""
