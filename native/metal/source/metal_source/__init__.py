"""Makes C++ of upstream's Metal shaders, and takes from its Objective-C what is plain C.

Nothing is replaced: every kernel that runs is compiled from upstream's own text, with the fork's patches in it.
What the preprocessor and a set of headers can do is left to them; this step does the rest, and stops at what it does
not know.
"""
