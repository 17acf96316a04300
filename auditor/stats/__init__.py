"""Pure statistics for paired audits: numbers in, numbers out.

Nothing here reads a file, a clock or a global random state, and nothing here knows what a prompt or an endpoint is.
Import the module you need (`auditor.stats.intervals`, `auditor.stats.decide`, ...): this package imports none of them, so
that naming one does not pay for all.

Throughout, `delta` is candidate minus baseline on the scale [-1, 1], oriented so that positive is better, and a *margin*
is the largest loss, as a share, that still counts as preserved. `level` is two-sided: a claim read off one end of an
interval has the one-sided error (1 - level) / 2, so level 0.90 gives claims at 5 %.
"""
