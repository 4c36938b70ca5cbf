"""
Measure one project on several topologies, side by side: `tandem bench`.

A topology is a plan of its own, started and stopped in turn (`launch`). A driver in a process of
its own puts the same workload on each (`driver`). A session alternates the rounds (`session`), and
its report becomes tables, JSON and a page (`report`, `page`).
"""
