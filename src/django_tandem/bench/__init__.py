"""
Measure one project on several topologies, side by side: `tandem bench`.

A topology is a separate plan, started and stopped in turn (`launch`). A driver in a separate
process puts the same workload on each (`driver`). A session alternates the rounds (`session`), and
its report becomes tables, JSON and a page (`report`, `page`).
"""
