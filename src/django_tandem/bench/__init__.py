"""
One project on several topologies, side by side: `tandem bench`.

A topology is a plan of its own, brought up and taken down in turn; a driver in a process of its
own asks each for the same; what came of it are frozen values that tables and pages are made of.
"""
