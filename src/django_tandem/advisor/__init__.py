"""
The advisor: what each route did → whether it belongs on its stack, and what a move would gain.

RouteMinute of the history ──gather→ RouteEvidence ─┐
Plan ──────────────────────────────────────────────├─advise→ Advice → table, JSON, page
source of the view ──read→ RouteCode ──────────────┘
"""
