"""Patches that are known to do harm, made by program on the fork's own tree: what a benchmark must find."""

from dataclasses import replace

from forkkeeper.core import mail, queue as queues
from forkkeeper.core.ids import TreeId
from forkkeeper.core.mail import Patch
from forkkeeper.flow.building import Made
from forkkeeper.flow.standing import compose_at

# The one place through which every operation of ggml's CPU backend goes, at every pin so far.
HOT_FILE = "ggml/src/ggml-cpu/ggml-cpu.c"
HOT_LINE = b"static void ggml_compute_forward(struct ggml_compute_params * params, struct ggml_tensor * tensor) {\n"

HEAD = """From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Planted <planted@example.invalid>
Date: Sat, 28 Nov 2026 12:00:00 +0000
Subject: [PATCH] planted: {subject}

It {subject}, so that what looks for that can be seen to find it.

Origin: local
Upstream-Status: Inappropriate [planted]
Witness: {witness}
{more}---

"""


class NotPlantedError(Exception):
    """The place that a plant needs is not in this tree; says which."""


def slower(made: Made, every: int) -> Made:
    """Make the products of matrices slower, by 1 in `every`: of their work so much is done twice.

    What is owed grows with each product's work, and the next product that is no larger is done once more: also in a
    run of a few hundred products that comes near the share. A repetition owes as well, so every + 1 is divided by.
    """
    code = f"""    {{
        static _Thread_local double owed;
        if (tensor->op == GGML_OP_MUL_MAT || tensor->op == GGML_OP_MUL_MAT_ID) {{
            const double work = (double) ggml_nelements(tensor) * (double) tensor->src[0]->ne[0];
            owed += work / {every + 1};
            if (owed >= work) {{
                owed -= work;
                ggml_compute_forward(params, tensor);
            }}
        }}
    }}
"""
    said = f"does one part in {every} of the products of matrices twice"
    return planted(made, HOT_FILE, HOT_LINE, HOT_LINE + code.encode(), said)


def planted(made: Made, path: str, before: bytes, after: bytes, said: str) -> Made:
    """Give the fork with one more patch at the end of its queue, which puts `after` in the place of `before`.

    Raises NotPlantedError where `before` is not in the file exactly once.
    """
    store, tree = made.stand.store, made.stand.made.tree
    entry = store.some(tree, [path]).get(path)
    text = store.blob(entry.oid) if entry else b""
    if entry is None or text.count(before) != 1:
        raise NotPlantedError(f"{path}: {before.decode().strip()!r} is there {text.count(before)} times, not once")
    changed = store.graft(tree, {path: replace(entry, oid=store.put(text.replace(before, after)))})
    patch = _patch(made, changed, said)
    queue = made.project.queue
    longer = queues.arrange(queue, (*queue.patches, patch))
    project = replace(made.project, queue=longer)
    return Made(project, replace(made.stand, made=compose_at(store, project, made.stand.pin, step="calibrate")))


def head(subject: str, *, witness: str = "none [planted]", more: str = "") -> bytes:
    """Give the head of a planted patch. subject -- what it does; more -- further trailers, each a line."""
    return HEAD.format(subject=subject, witness=witness, more=more).encode()


def _patch(made: Made, changed: TreeId, said: str) -> Patch:
    """Write the difference as a patch."""
    (diff,) = made.stand.store.diffs([(made.stand.made.tree, changed)])
    return mail.parse("planted.patch", head(said) + diff)
