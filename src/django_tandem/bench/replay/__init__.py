"""
Recorded traffic as a workload: `tandem bench --from-log`.

`access_logs` reads the lines of a log, and `history` the monitor's counts. `recording` selects the
requests that are sent again and counts those that are not. `load` sends them at their times.
"""
