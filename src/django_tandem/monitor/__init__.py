"""
The monitor: one program next to the stacks that counts what the edge and the workers have seen.

requests.tsv of the edge ──read→ RequestLine ─┐
                                               ├→ Aggregates ─take→ Snapshot → what shows it
scoreboard/ of the workers ─read→ WorkerSlot ──┘       └→ RouteMinute → the history
"""
